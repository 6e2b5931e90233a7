-- Stores the hash of a robot's new key; the key itself never reaches the database.
-- Locks the robot's row against removal. Writes robot_keys, outbox, audit.
-- Raises HF403 foreign tenant; HF404 no such robot; HF415 id or hash exists; HF422 the hash is not 32 bytes.
CREATE OR REPLACE FUNCTION engine.fn_create_robot_key(
    p_tenant_id uuid, p_key_id uuid, p_robot_id uuid, p_key_hash bytea, p_actor text
)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  IF length(p_key_hash) IS DISTINCT FROM 32 THEN
    PERFORM engine.refuse('HF422', 'a key hash has 32 bytes', jsonb_build_object('argument', 'key_hash'));
  END IF;
  PERFORM FROM engine.robots WHERE tenant_id = p_tenant_id AND robot_id = p_robot_id FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such robot', jsonb_build_object('robot_id', p_robot_id));
  END IF;
  INSERT INTO engine.robot_keys (tenant_id, key_id, robot_id, key_hash, created_at)
    VALUES (p_tenant_id, p_key_id, p_robot_id, p_key_hash, v_now) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF415', 'this key exists', jsonb_build_object('key_id', p_key_id));
  END IF;
  PERFORM engine.record_fact(p_tenant_id, NULL, 'robot.key_created',
                             jsonb_build_object('robot_id', p_robot_id, 'key_id', p_key_id), v_now);
  PERFORM engine.record_audit(p_tenant_id, p_actor, 'create_robot_key', NULL,
                              jsonb_build_object('robot_id', p_robot_id, 'key_id', p_key_id), v_now);
  RETURN p_key_id;
END
$$;
COMMENT ON FUNCTION engine.fn_create_robot_key IS
  'Stores a robot key''s hash; gives the key''s id.';
REVOKE ALL ON FUNCTION engine.fn_create_robot_key FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_create_robot_key TO holdfast_engine;
