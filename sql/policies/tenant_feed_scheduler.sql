-- The scheduler finds work over all tenants; its column grants keep it to ids, states and times.
DROP POLICY IF EXISTS tenant_feed_scheduler ON engine.tenant_feed;
CREATE POLICY tenant_feed_scheduler ON engine.tenant_feed
  FOR SELECT TO holdfast_scheduler
  USING (true);
