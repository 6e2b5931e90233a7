-- Functions, which run as the owner, see and write the rows of the tenant they entered only.
DROP POLICY IF EXISTS reconciliation_locks_owner ON engine.reconciliation_locks;
CREATE POLICY reconciliation_locks_owner ON engine.reconciliation_locks
  TO holdfast_owner
  USING (tenant_id = engine.entered_tenant())
  WITH CHECK (tenant_id = engine.entered_tenant());
