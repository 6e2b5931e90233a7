-- The scheduler finds work over all tenants; its column grants keep it to ids, states and times.
DROP POLICY IF EXISTS robot_keys_scheduler ON engine.robot_keys;
CREATE POLICY robot_keys_scheduler ON engine.robot_keys
  FOR SELECT TO holdfast_scheduler
  USING (true);
