-- Gives a robot a new key and ends its others, in one transaction: there is no moment without a living key, and none
-- in which a key lives that nobody meant to. The others end at once, or after p_overlap_s seconds while the robot
-- changes over; the new key takes the scopes and the end of p_scopes and p_expires_at (NULL: trade, cancel and read; never).
-- Locks the robot's row and its living keys. Writes robot_keys, outbox, audit; gives the ids of the keys that end.
-- Raises HF403 foreign tenant; HF404 no such robot; HF415 id or hash exists; HF422 a bad hash, scope, end, actor or
-- overlap; HF431 with an overlap, if the robot has two living keys.
CREATE OR REPLACE FUNCTION engine.fn_rotate_robot_key(
    p_tenant_id uuid, p_key_id uuid, p_robot_id uuid, p_key_hash bytea, p_overlap_s integer, p_actor text,
    p_scopes text[] DEFAULT NULL, p_expires_at timestamptz DEFAULT NULL
)
RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
  v_key engine.robot_keys;
  v_ended uuid[] := '{}';
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  IF (p_overlap_s BETWEEN 0 AND 604800) IS NOT TRUE THEN
    PERFORM engine.refuse('HF422', 'keys overlap for 0 seconds to 7 days', jsonb_build_object('overlap_s', p_overlap_s));
  END IF;
  PERFORM FROM engine.robots WHERE tenant_id = p_tenant_id AND robot_id = p_robot_id FOR NO KEY UPDATE;
  FOR v_key IN SELECT * FROM engine.robot_keys k
    WHERE k.tenant_id = p_tenant_id AND k.robot_id = p_robot_id AND k.revoked_at IS NULL
      AND (k.expires_at IS NULL OR k.expires_at > v_now)
    ORDER BY k.created_at, k.key_id FOR NO KEY UPDATE
  LOOP
    IF p_overlap_s = 0 THEN
      PERFORM engine.fn_revoke_robot_key(p_tenant_id, v_key.key_id, p_actor);
    END IF;
    v_ended := v_ended || v_key.key_id;
  END LOOP;
  PERFORM engine.fn_create_robot_key(p_tenant_id, p_key_id, p_robot_id, p_key_hash, p_actor, p_scopes, p_expires_at);
  IF p_overlap_s > 0 THEN
    UPDATE engine.robot_keys k SET expires_at = least(k.expires_at, v_now + make_interval(secs => p_overlap_s))
    WHERE k.tenant_id = p_tenant_id AND k.key_id = ANY (v_ended);
    PERFORM engine.record_audit(p_tenant_id, p_actor, 'end_robot_keys', NULL,
      jsonb_build_object('robot_id', p_robot_id, 'keys', v_ended, 'overlap_s', p_overlap_s), v_now);
  END IF;
  RETURN v_ended;
END
$$;
COMMENT ON FUNCTION engine.fn_rotate_robot_key IS
  'Makes a robot''s new key and ends its others; gives the ids of those.';
REVOKE ALL ON FUNCTION engine.fn_rotate_robot_key FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_rotate_robot_key TO holdfast_engine;
