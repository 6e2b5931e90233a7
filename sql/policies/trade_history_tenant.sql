-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS trade_history_tenant ON engine.trade_history;
CREATE POLICY trade_history_tenant ON engine.trade_history
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
