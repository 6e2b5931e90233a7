-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS profiles_tenant ON engine.profiles;
CREATE POLICY profiles_tenant ON engine.profiles
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
