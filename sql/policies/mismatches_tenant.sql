-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS mismatches_tenant ON engine.mismatches;
CREATE POLICY mismatches_tenant ON engine.mismatches
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
