-- Lists robots and the ids of their keys, never a hash. Locks nothing, writes nothing. Raises HF403 foreign tenant.
CREATE OR REPLACE FUNCTION engine.fn_list_robots(p_tenant_id uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  RETURN (
    SELECT coalesce(jsonb_agg(jsonb_build_object('robot_id', r.robot_id, 'name', r.name, 'enabled', r.enabled,
      'created_at', r.created_at,
      'keys', (SELECT coalesce(jsonb_agg(jsonb_build_object('key_id', k.key_id, 'created_at', k.created_at,
          'revoked_at', k.revoked_at, 'scopes', k.scopes, 'expires_at', k.expires_at,
          'living', k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > v_now)) ORDER BY k.created_at, k.key_id), '[]')
        FROM engine.robot_keys k WHERE k.tenant_id = r.tenant_id AND k.robot_id = r.robot_id))
      ORDER BY r.name), '[]')
    FROM engine.robots r WHERE r.tenant_id = p_tenant_id);
END
$$;
COMMENT ON FUNCTION engine.fn_list_robots IS
  'Robots by name.';
REVOKE ALL ON FUNCTION engine.fn_list_robots FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_list_robots TO holdfast_engine, holdfast_operator, holdfast_reader;
