-- Lists a tenant's leases with their holders and stages. Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.fn_list_leases(p_tenant_id uuid)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  RETURN (SELECT coalesce(jsonb_agg(engine.lease_view(l, v_now) ORDER BY l.account_id), '[]')
          FROM engine.account_leases l WHERE l.tenant_id = p_tenant_id);
END
$$;
COMMENT ON FUNCTION engine.fn_list_leases IS
  'Who may speak for each exchange account of a tenant, and how far it has come.';
REVOKE ALL ON FUNCTION engine.fn_list_leases FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_list_leases TO holdfast_engine, holdfast_operator, holdfast_reader;
