-- Functions, which run as the owner, see and write the rows of the tenant they entered only.
DROP POLICY IF EXISTS webhook_routes_owner ON engine.webhook_routes;
CREATE POLICY webhook_routes_owner ON engine.webhook_routes
  TO holdfast_owner
  USING (tenant_id = engine.entered_tenant())
  WITH CHECK (tenant_id = engine.entered_tenant());
