-- Arms a robot's dead-man's switch, or says that the robot lives: its time begins anew. A switch that has fired is
-- armed again; what it did stays shown, and a mode that it set stays until an operator resumes.
-- Locks the switch, and robot and profile against removal. Writes dead_mans_switches; outbox and audit only when
-- something other than the time changes.
-- Raises HF403 foreign tenant; HF404 no such robot or profile; HF422 time, action, or a mode without a profile.
CREATE OR REPLACE FUNCTION engine.fn_arm_switch(
  p_tenant_id uuid, p_robot_id uuid, p_timeout_ms integer, p_action text, p_profile_id uuid,
  p_cancel_on_disconnect boolean
) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now timestamptz;
  v_before engine.dead_mans_switches;
  v_switch engine.dead_mans_switches;
  v_fact jsonb;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  IF (p_timeout_ms BETWEEN 1000 AND 86400000) IS NOT TRUE THEN
    PERFORM engine.refuse('HF422', 'timeout_ms lies between 1000 and 86400000', '{"argument": "timeout_ms"}');
  ELSIF (p_action IN ('cancel', 'reduce', 'halt')) IS NOT TRUE THEN
    PERFORM engine.refuse('HF422', 'action is cancel, reduce or halt', '{"argument": "action"}');
  ELSIF p_action <> 'cancel' AND p_profile_id IS NULL THEN
    PERFORM engine.refuse('HF422', 'reduce and halt need a profile', '{"argument": "profile"}');
  ELSIF p_cancel_on_disconnect IS NULL THEN
    PERFORM engine.refuse('HF422', 'cancel_on_disconnect is true or false', '{"argument": "cancel_on_disconnect"}');
  END IF;
  PERFORM FROM engine.robots WHERE tenant_id = p_tenant_id AND robot_id = p_robot_id FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such robot', jsonb_build_object('robot_id', p_robot_id));
  END IF;
  PERFORM FROM engine.profiles WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id FOR KEY SHARE;
  IF p_profile_id IS NOT NULL AND NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such profile', jsonb_build_object('profile_id', p_profile_id));
  END IF;
  SELECT * INTO v_before FROM engine.dead_mans_switches
  WHERE tenant_id = p_tenant_id AND robot_id = p_robot_id FOR NO KEY UPDATE;
  v_now := engine.fn_clock();  -- after the wait: a switch that fired meanwhile has done so
  INSERT INTO engine.dead_mans_switches AS s (tenant_id, robot_id, timeout_ms, action, profile_id,
    cancel_on_disconnect, armed, seen_at, expires_at)
  VALUES (p_tenant_id, p_robot_id, p_timeout_ms, p_action, p_profile_id, p_cancel_on_disconnect, true, v_now,
    v_now + p_timeout_ms * interval '1 millisecond')
  ON CONFLICT (tenant_id, robot_id) DO UPDATE SET timeout_ms = excluded.timeout_ms, action = excluded.action,
    profile_id = excluded.profile_id, cancel_on_disconnect = excluded.cancel_on_disconnect, armed = true,
    seen_at = excluded.seen_at, expires_at = excluded.expires_at
  RETURNING * INTO v_switch;
  IF (v_before.armed, v_before.timeout_ms, v_before.action, v_before.profile_id, v_before.cancel_on_disconnect)
    IS DISTINCT FROM (true, p_timeout_ms, p_action, p_profile_id, p_cancel_on_disconnect) THEN
    v_fact := jsonb_build_object('robot_id', p_robot_id, 'timeout_ms', p_timeout_ms, 'action', p_action,
      'profile_id', p_profile_id, 'cancel_on_disconnect', p_cancel_on_disconnect);
    PERFORM engine.record_fact(p_tenant_id, NULL, 'dead_mans_switch.armed', v_fact, v_now, p_profile_id);
    PERFORM engine.record_audit(p_tenant_id, 'robot:' || p_robot_id, 'arm_switch', NULL, v_fact, v_now);
  END IF;
  RETURN engine.switch_view(v_switch);
END
$$;
COMMENT ON FUNCTION engine.fn_arm_switch IS
  'Arms a robot''s dead-man''s switch, or lets its time begin anew; gives it.';
REVOKE ALL ON FUNCTION engine.fn_arm_switch FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_arm_switch TO holdfast_engine;
