-- The scheduler finds work over all tenants; its column grants keep it to ids, states and times.
DROP POLICY IF EXISTS facts_scheduler ON engine.facts;
CREATE POLICY facts_scheduler ON engine.facts
  FOR SELECT TO holdfast_scheduler
  USING (true);
