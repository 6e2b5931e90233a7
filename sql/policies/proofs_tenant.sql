-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS proofs_tenant ON engine.proofs;
CREATE POLICY proofs_tenant ON engine.proofs
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
