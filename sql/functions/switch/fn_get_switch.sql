-- Reads a robot's dead-man's switch. Locks nothing, writes nothing. Raises HF403 foreign tenant.
CREATE OR REPLACE FUNCTION engine.fn_get_switch(p_tenant_id uuid, p_robot_id uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_switch engine.dead_mans_switches;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  SELECT * INTO v_switch FROM engine.dead_mans_switches WHERE tenant_id = p_tenant_id AND robot_id = p_robot_id;
  RETURN engine.switch_view(v_switch);
END
$$;
COMMENT ON FUNCTION engine.fn_get_switch IS
  'A robot''s dead-man''s switch, NULL if it never had one.';
REVOKE ALL ON FUNCTION engine.fn_get_switch FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_get_switch TO holdfast_engine, holdfast_operator, holdfast_reader;
