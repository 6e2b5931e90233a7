-- Creates a robot: a tenant's program, without a key yet. Locks nothing. Writes robots, outbox, audit.
-- Raises HF403 foreign tenant; HF404 no such tenant; HF415 id or name exists; HF422 bad name or actor.
CREATE OR REPLACE FUNCTION engine.fn_create_robot(p_tenant_id uuid, p_robot_id uuid, p_name text, p_actor text)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  PERFORM engine.require_tenant(p_tenant_id);
  INSERT INTO engine.robots (tenant_id, robot_id, name, created_at)
    VALUES (p_tenant_id, p_robot_id, engine.checked_name(p_name, 'name'), v_now) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF415', 'a robot of this id or name exists', jsonb_build_object('name', p_name));
  END IF;
  PERFORM engine.record_fact(p_tenant_id, NULL, 'robot.created',
                             jsonb_build_object('robot_id', p_robot_id, 'name', p_name), v_now);
  PERFORM engine.record_audit(p_tenant_id, p_actor, 'create_robot', NULL,
                              jsonb_build_object('robot_id', p_robot_id, 'name', p_name), v_now);
  RETURN p_robot_id;
END
$$;
COMMENT ON FUNCTION engine.fn_create_robot IS
  'Creates a robot; gives its id.';
REVOKE ALL ON FUNCTION engine.fn_create_robot FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_create_robot TO holdfast_engine;
