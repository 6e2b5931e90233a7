-- The scheduler finds work over all tenants; its column grants keep it to ids, states and times.
DROP POLICY IF EXISTS alerts_scheduler ON engine.alerts;
CREATE POLICY alerts_scheduler ON engine.alerts
  FOR SELECT TO holdfast_scheduler
  USING (true);
