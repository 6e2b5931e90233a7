-- Functions, which run as the owner, see and write the rows of the tenant they entered only.
DROP POLICY IF EXISTS exchange_accounts_owner ON engine.exchange_accounts;
CREATE POLICY exchange_accounts_owner ON engine.exchange_accounts
  TO holdfast_owner
  USING (tenant_id = engine.entered_tenant())
  WITH CHECK (tenant_id = engine.entered_tenant());
