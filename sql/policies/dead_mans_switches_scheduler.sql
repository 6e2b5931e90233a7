-- The scheduler finds work over all tenants; its column grants keep it to ids, states and times.
DROP POLICY IF EXISTS dead_mans_switches_scheduler ON engine.dead_mans_switches;
CREATE POLICY dead_mans_switches_scheduler ON engine.dead_mans_switches
  FOR SELECT TO holdfast_scheduler
  USING (true);
