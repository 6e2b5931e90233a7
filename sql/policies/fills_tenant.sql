-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS fills_tenant ON engine.fills;
CREATE POLICY fills_tenant ON engine.fills
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
