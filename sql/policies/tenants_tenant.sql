-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS tenants_tenant ON engine.tenants;
CREATE POLICY tenants_tenant ON engine.tenants
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
