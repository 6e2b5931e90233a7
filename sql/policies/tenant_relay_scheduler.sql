-- The scheduler finds work over all tenants; its column grants keep it to ids, states and times.
DROP POLICY IF EXISTS tenant_relay_scheduler ON engine.tenant_relay;
CREATE POLICY tenant_relay_scheduler ON engine.tenant_relay
  FOR SELECT TO holdfast_scheduler
  USING (true);
