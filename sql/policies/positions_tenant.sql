-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS positions_tenant ON engine.positions;
CREATE POLICY positions_tenant ON engine.positions
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
