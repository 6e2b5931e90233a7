-- Reads one tenant. Locks nothing, writes nothing. Raises HF403 foreign tenant; HF404 no such tenant.
CREATE OR REPLACE FUNCTION engine.fn_get_tenant(p_tenant_id uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  PERFORM engine.require_tenant(p_tenant_id);
  RETURN (SELECT jsonb_build_object('tenant_id', t.tenant_id, 'name', t.name, 'mode', t.mode,
                                    'mode_reason', t.mode_reason, 'created_at', t.created_at)
          FROM engine.tenants t WHERE t.tenant_id = p_tenant_id);
END
$$;
COMMENT ON FUNCTION engine.fn_get_tenant IS
  'A tenant''s name and mode.';
REVOKE ALL ON FUNCTION engine.fn_get_tenant FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_get_tenant TO holdfast_engine, holdfast_operator, holdfast_reader;
