-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS profile_capital_tenant ON engine.profile_capital;
CREATE POLICY profile_capital_tenant ON engine.profile_capital
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
