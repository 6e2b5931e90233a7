-- The scheduler finds work over all tenants; its column grants keep it to ids, states and times.
DROP POLICY IF EXISTS dead_letters_scheduler ON engine.dead_letters;
CREATE POLICY dead_letters_scheduler ON engine.dead_letters
  FOR SELECT TO holdfast_scheduler
  USING (true);
