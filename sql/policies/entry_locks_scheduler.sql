-- The scheduler finds work over all tenants; its column grants keep it to ids, states and times.
DROP POLICY IF EXISTS entry_locks_scheduler ON engine.entry_locks;
CREATE POLICY entry_locks_scheduler ON engine.entry_locks
  FOR SELECT TO holdfast_scheduler
  USING (true);
