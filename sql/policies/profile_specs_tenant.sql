-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS profile_specs_tenant ON engine.profile_specs;
CREATE POLICY profile_specs_tenant ON engine.profile_specs
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
