-- Lists the ids of all tenants.
-- Belongs to holdfast_scheduler; ids and states only, the rest is read as that tenant.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.fn_due_tenants()
RETURNS TABLE (tenant_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
  SELECT t.tenant_id FROM engine.tenants t ORDER BY 1
$$;
COMMENT ON FUNCTION engine.fn_due_tenants IS
  'Ids of all tenants.';
REVOKE ALL ON FUNCTION engine.fn_due_tenants FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_due_tenants TO holdfast_owner, holdfast_engine;
