-- The scheduler finds work over all tenants; its column grants keep it to ids, states and times.
DROP POLICY IF EXISTS profiles_scheduler ON engine.profiles;
CREATE POLICY profiles_scheduler ON engine.profiles
  FOR SELECT TO holdfast_scheduler
  USING (true);
