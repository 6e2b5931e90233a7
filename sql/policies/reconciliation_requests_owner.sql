-- Functions, which run as the owner, see and write the rows of the tenant they entered only.
DROP POLICY IF EXISTS reconciliation_requests_owner ON engine.reconciliation_requests;
CREATE POLICY reconciliation_requests_owner ON engine.reconciliation_requests
  TO holdfast_owner
  USING (tenant_id = engine.entered_tenant())
  WITH CHECK (tenant_id = engine.entered_tenant());
