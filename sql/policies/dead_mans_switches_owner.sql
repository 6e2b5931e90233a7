-- Functions, which run as the owner, see and write the rows of the tenant they entered only.
DROP POLICY IF EXISTS dead_mans_switches_owner ON engine.dead_mans_switches;
CREATE POLICY dead_mans_switches_owner ON engine.dead_mans_switches
  TO holdfast_owner
  USING (tenant_id = engine.entered_tenant())
  WITH CHECK (tenant_id = engine.entered_tenant());
