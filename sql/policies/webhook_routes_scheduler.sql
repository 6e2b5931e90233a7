-- The scheduler finds work over all tenants; its column grants keep it to ids, states and times.
DROP POLICY IF EXISTS webhook_routes_scheduler ON engine.webhook_routes;
CREATE POLICY webhook_routes_scheduler ON engine.webhook_routes
  FOR SELECT TO holdfast_scheduler
  USING (true);
