-- The scheduler finds work over all tenants; its column grants keep it to ids, states and times.
DROP POLICY IF EXISTS intents_scheduler ON engine.intents;
CREATE POLICY intents_scheduler ON engine.intents
  FOR SELECT TO holdfast_scheduler
  USING (true);
