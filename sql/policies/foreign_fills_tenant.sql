-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS foreign_fills_tenant ON engine.foreign_fills;
CREATE POLICY foreign_fills_tenant ON engine.foreign_fills
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
