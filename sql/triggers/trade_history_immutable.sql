-- Rows of trade_history are never changed or deleted; the statement trigger also catches what touches no row.
CREATE OR REPLACE TRIGGER trade_history_immutable
  BEFORE UPDATE OR DELETE OR TRUNCATE ON engine.trade_history
  FOR EACH STATEMENT EXECUTE FUNCTION engine.refuse_change();
