-- Functions, which run as the owner, see and write the rows of the tenant they entered only.
DROP POLICY IF EXISTS entry_locks_owner ON engine.entry_locks;
CREATE POLICY entry_locks_owner ON engine.entry_locks
  TO holdfast_owner
  USING (tenant_id = engine.entered_tenant())
  WITH CHECK (tenant_id = engine.entered_tenant());
