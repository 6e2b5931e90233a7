-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS trade_cursors_tenant ON engine.trade_cursors;
CREATE POLICY trade_cursors_tenant ON engine.trade_cursors
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
