-- Lists the ids of all tenants; each is then read as itself by fn_get_tenant.
-- Asks fn_due_tenants, which belongs to holdfast_scheduler: the owner sees no tenant without naming it.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.fn_list_tenants()
RETURNS TABLE (tenant_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
  SELECT t.tenant_id FROM engine.fn_due_tenants() t
$$;
COMMENT ON FUNCTION engine.fn_list_tenants IS
  'Ids of all tenants.';
REVOKE ALL ON FUNCTION engine.fn_list_tenants FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_list_tenants TO holdfast_engine, holdfast_operator;
