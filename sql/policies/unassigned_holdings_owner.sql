-- Functions, which run as the owner, see and write the rows of the tenant they entered only.
DROP POLICY IF EXISTS unassigned_holdings_owner ON engine.unassigned_holdings;
CREATE POLICY unassigned_holdings_owner ON engine.unassigned_holdings
  TO holdfast_owner
  USING (tenant_id = engine.entered_tenant())
  WITH CHECK (tenant_id = engine.entered_tenant());
