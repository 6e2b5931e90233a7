-- Tells which robot a key speaks for. Locks nothing, writes nothing. Raises HF403 foreign tenant.
CREATE OR REPLACE FUNCTION engine.fn_authenticate(p_tenant_id uuid, p_key_id uuid)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  RETURN (SELECT jsonb_build_object('robot_id', r.robot_id, 'robot_name', r.name, 'enabled', r.enabled,
                                    'tenant_mode', t.mode)
    FROM engine.robot_keys k JOIN engine.robots r USING (tenant_id, robot_id) JOIN engine.tenants t USING (tenant_id)
    WHERE k.tenant_id = p_tenant_id AND k.key_id = p_key_id AND k.revoked_at IS NULL);
END
$$;
COMMENT ON FUNCTION engine.fn_authenticate IS
  'Robot, its state and the tenant''s mode for a key; NULL if it is unknown or revoked.';
REVOKE ALL ON FUNCTION engine.fn_authenticate FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_authenticate TO holdfast_engine;
