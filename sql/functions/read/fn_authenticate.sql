-- Tells which robot a key speaks for, what it may do, and for how many seconds more (NULL: for ever): a duration,
-- because the clock of who asks may be another. Locks nothing, writes nothing. Raises HF403 foreign tenant.
CREATE OR REPLACE FUNCTION engine.fn_authenticate(p_tenant_id uuid, p_key_id uuid)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  RETURN (SELECT jsonb_build_object('robot_id', r.robot_id, 'robot_name', r.name, 'enabled', r.enabled,
                                    'tenant_mode', t.mode, 'key_id', k.key_id, 'scopes', k.scopes,
                                    'expires_in_s', extract(epoch FROM k.expires_at - v_now)::double precision)
    FROM engine.robot_keys k JOIN engine.robots r USING (tenant_id, robot_id) JOIN engine.tenants t USING (tenant_id)
    WHERE k.tenant_id = p_tenant_id AND k.key_id = p_key_id AND k.revoked_at IS NULL
      AND (k.expires_at IS NULL OR k.expires_at > v_now));
END
$$;
COMMENT ON FUNCTION engine.fn_authenticate IS
  'Robot, its state, scopes and the tenant''s mode for a key; NULL if it is unknown, revoked or at its end.';
REVOKE ALL ON FUNCTION engine.fn_authenticate FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_authenticate TO holdfast_engine;
