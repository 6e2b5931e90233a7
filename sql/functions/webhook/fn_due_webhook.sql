-- Finds whose webhook route this is, over all tenants: the tenant's id only, the rest is read as that tenant.
-- Belongs to holdfast_scheduler. Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.fn_due_webhook(p_route_id uuid)
RETURNS TABLE (tenant_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
  SELECT w.tenant_id FROM engine.webhook_routes w WHERE w.route_id = p_route_id AND w.deleted_at IS NULL LIMIT 1
$$;
COMMENT ON FUNCTION engine.fn_due_webhook IS
  'Tenant of a webhook route; no row if it is unknown or deleted.';
REVOKE ALL ON FUNCTION engine.fn_due_webhook FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_due_webhook TO holdfast_engine;
