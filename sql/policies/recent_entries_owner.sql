-- Functions, which run as the owner, see and write the rows of the tenant they entered only.
DROP POLICY IF EXISTS recent_entries_owner ON engine.recent_entries;
CREATE POLICY recent_entries_owner ON engine.recent_entries
  TO holdfast_owner
  USING (tenant_id = engine.entered_tenant())
  WITH CHECK (tenant_id = engine.entered_tenant());
