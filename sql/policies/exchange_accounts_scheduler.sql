-- The scheduler finds work over all tenants; its column grants keep it to ids, states and times.
DROP POLICY IF EXISTS exchange_accounts_scheduler ON engine.exchange_accounts;
CREATE POLICY exchange_accounts_scheduler ON engine.exchange_accounts
  FOR SELECT TO holdfast_scheduler
  USING (true);
