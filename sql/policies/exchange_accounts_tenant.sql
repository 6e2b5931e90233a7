-- Owner (inside functions) and reader see the rows of the transaction's tenant only.
DROP POLICY IF EXISTS exchange_accounts_tenant ON engine.exchange_accounts;
CREATE POLICY exchange_accounts_tenant ON engine.exchange_accounts
  TO holdfast_owner, holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()))
  WITH CHECK (tenant_id = (SELECT engine.claimed_tenant()));
