-- Functions, which run as the owner, see and write the rows of the tenant they entered only.
DROP POLICY IF EXISTS relay_retries_owner ON engine.relay_retries;
CREATE POLICY relay_retries_owner ON engine.relay_retries
  TO holdfast_owner
  USING (tenant_id = engine.entered_tenant())
  WITH CHECK (tenant_id = engine.entered_tenant());
