-- Tells whether a token's tenant exists, and which of its robots its users trade as (p_robot_name NULL: none).
-- Locks nothing, writes nothing. Raises HF403 foreign tenant.
CREATE OR REPLACE FUNCTION engine.fn_authenticate_user(p_tenant_id uuid, p_robot_name text)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  RETURN (SELECT jsonb_build_object('tenant_mode', t.mode, 'robot_id', r.robot_id)
    FROM engine.tenants t
    LEFT JOIN engine.robots r ON r.tenant_id = t.tenant_id AND r.name = p_robot_name AND r.enabled
    WHERE t.tenant_id = p_tenant_id);
END
$$;
COMMENT ON FUNCTION engine.fn_authenticate_user IS
  'The tenant''s mode and the robot its users trade as; NULL if there is no such tenant.';
REVOKE ALL ON FUNCTION engine.fn_authenticate_user FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_authenticate_user TO holdfast_engine;
