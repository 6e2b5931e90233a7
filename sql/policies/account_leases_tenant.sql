-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS account_leases_tenant ON engine.account_leases;
CREATE POLICY account_leases_tenant ON engine.account_leases
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
