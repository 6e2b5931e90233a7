-- Functions, which run as the owner, see and write the rows of the tenant they entered only.
DROP POLICY IF EXISTS reconciliation_passes_owner ON engine.reconciliation_passes;
CREATE POLICY reconciliation_passes_owner ON engine.reconciliation_passes
  TO holdfast_owner
  USING (tenant_id = engine.entered_tenant())
  WITH CHECK (tenant_id = engine.entered_tenant());
