-- Owner (inside functions) and reader see the rows of the transaction's tenant only.
DROP POLICY IF EXISTS profiles_tenant ON engine.profiles;
CREATE POLICY profiles_tenant ON engine.profiles
  TO holdfast_owner, holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()))
  WITH CHECK (tenant_id = (SELECT engine.claimed_tenant()));
