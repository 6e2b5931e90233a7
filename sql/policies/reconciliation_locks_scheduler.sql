-- The scheduler finds work over all tenants; its column grants keep it to ids, states and times.
DROP POLICY IF EXISTS reconciliation_locks_scheduler ON engine.reconciliation_locks;
CREATE POLICY reconciliation_locks_scheduler ON engine.reconciliation_locks
  FOR SELECT TO holdfast_scheduler
  USING (true);
