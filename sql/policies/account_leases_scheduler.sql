-- The scheduler finds work over all tenants; its column grants keep it to ids, states and times.
DROP POLICY IF EXISTS account_leases_scheduler ON engine.account_leases;
CREATE POLICY account_leases_scheduler ON engine.account_leases
  FOR SELECT TO holdfast_scheduler
  USING (true);
