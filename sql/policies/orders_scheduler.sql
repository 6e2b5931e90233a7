-- The scheduler finds work over all tenants; its column grants keep it to ids, states and times.
DROP POLICY IF EXISTS orders_scheduler ON engine.orders;
CREATE POLICY orders_scheduler ON engine.orders
  FOR SELECT TO holdfast_scheduler
  USING (true);
