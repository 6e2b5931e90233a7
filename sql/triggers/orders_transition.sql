-- Illegal transitions of orders, and filled quantities that fall, are impossible, whoever writes.
CREATE OR REPLACE TRIGGER orders_transition
  BEFORE UPDATE ON engine.orders
  FOR EACH ROW EXECUTE FUNCTION engine.guard_order();
