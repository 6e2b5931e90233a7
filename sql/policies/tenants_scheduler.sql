-- The scheduler finds work over all tenants; its column grants keep it to ids, states and times.
DROP POLICY IF EXISTS tenants_scheduler ON engine.tenants;
CREATE POLICY tenants_scheduler ON engine.tenants
  FOR SELECT TO holdfast_scheduler
  USING (true);
