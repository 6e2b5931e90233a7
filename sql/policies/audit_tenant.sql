-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS audit_tenant ON engine.audit;
CREATE POLICY audit_tenant ON engine.audit
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
