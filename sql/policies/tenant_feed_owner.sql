-- Functions, which run as the owner, see and write the rows of the tenant they entered only.
DROP POLICY IF EXISTS tenant_feed_owner ON engine.tenant_feed;
CREATE POLICY tenant_feed_owner ON engine.tenant_feed
  TO holdfast_owner
  USING (tenant_id = engine.entered_tenant())
  WITH CHECK (tenant_id = engine.entered_tenant());
