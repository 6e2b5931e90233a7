-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS inferred_fills_tenant ON engine.inferred_fills;
CREATE POLICY inferred_fills_tenant ON engine.inferred_fills
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
