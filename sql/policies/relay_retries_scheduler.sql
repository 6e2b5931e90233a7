-- The scheduler finds work over all tenants; its column grants keep it to ids, states and times.
DROP POLICY IF EXISTS relay_retries_scheduler ON engine.relay_retries;
CREATE POLICY relay_retries_scheduler ON engine.relay_retries
  FOR SELECT TO holdfast_scheduler
  USING (true);
