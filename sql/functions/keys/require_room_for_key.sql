-- Refuses a third living key: two are what a rotation needs, more are keys that nobody watches.
-- The caller holds the robot's row FOR NO KEY UPDATE, so that two calls cannot both find room.
-- Locks nothing, writes nothing. Raises HF431 with the living keys.
CREATE OR REPLACE FUNCTION engine.require_room_for_key(p_tenant_id uuid, p_robot_id uuid, p_now timestamptz)
RETURNS void
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
  v_living jsonb := (
    SELECT jsonb_agg(k.key_id ORDER BY k.created_at, k.key_id) FROM engine.robot_keys k
    WHERE k.tenant_id = p_tenant_id AND k.robot_id = p_robot_id AND k.revoked_at IS NULL
      AND (k.expires_at IS NULL OR k.expires_at > p_now));
BEGIN
  IF jsonb_array_length(v_living) >= 2 THEN
    PERFORM engine.refuse('HF431', 'a robot has at most two living keys: revoke one first',
                          jsonb_build_object('limit', 'living_keys', 'value', '2', 'keys', v_living));
  END IF;
END
$$;
COMMENT ON FUNCTION engine.require_room_for_key IS
  'Refuses a robot''s third living key.';
REVOKE ALL ON FUNCTION engine.require_room_for_key FROM PUBLIC;
