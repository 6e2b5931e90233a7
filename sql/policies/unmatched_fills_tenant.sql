-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS unmatched_fills_tenant ON engine.unmatched_fills;
CREATE POLICY unmatched_fills_tenant ON engine.unmatched_fills
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
