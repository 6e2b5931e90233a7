-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS webhook_routes_tenant ON engine.webhook_routes;
CREATE POLICY webhook_routes_tenant ON engine.webhook_routes
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
