-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS profile_days_tenant ON engine.profile_days;
CREATE POLICY profile_days_tenant ON engine.profile_days
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
