-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS exchange_accounts_tenant ON engine.exchange_accounts;
CREATE POLICY exchange_accounts_tenant ON engine.exchange_accounts
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
