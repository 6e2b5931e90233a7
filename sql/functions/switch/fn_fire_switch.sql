-- Fires a robot's dead-man's switch, once: for 'timeout' only if its time has passed by now, for 'disconnect' only if
-- the robot has asked for that. Sets the mode first, so that nothing is opened behind the sweep that follows.
-- Locks the switch, then profile_capital. Writes dead_mans_switches, outbox, audit, profile_capital.
-- Answers {fired, sweep}: sweep says that cancels are still to be requested, by this call or an earlier one.
-- Raises HF403 foreign tenant; HF422 no such cause.
CREATE OR REPLACE FUNCTION engine.fn_fire_switch(p_tenant_id uuid, p_robot_id uuid, p_cause text)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now timestamptz;
  v_switch engine.dead_mans_switches;
  v_fires boolean;
  v_fact jsonb;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  IF (p_cause IN ('timeout', 'disconnect')) IS NOT TRUE THEN
    PERFORM engine.refuse('HF422', 'the cause is timeout or disconnect', '{"argument": "cause"}');
  END IF;
  SELECT * INTO v_switch FROM engine.dead_mans_switches
  WHERE tenant_id = p_tenant_id AND robot_id = p_robot_id FOR NO KEY UPDATE;
  v_now := engine.fn_clock();  -- after the wait: the robot may have shown itself meanwhile
  v_fires := v_switch.armed AND CASE p_cause WHEN 'timeout' THEN v_switch.expires_at <= v_now
    ELSE v_switch.cancel_on_disconnect END;
  IF v_fires IS NOT TRUE THEN
    RETURN jsonb_build_object('fired', false, 'sweep', coalesce(v_switch.sweeping, false));
  END IF;
  UPDATE engine.dead_mans_switches SET armed = false, sweeping = true, fired_at = v_now, fired_cause = p_cause,
    fired_cancels = NULL
  WHERE tenant_id = p_tenant_id AND robot_id = p_robot_id;
  v_fact := jsonb_build_object('robot_id', p_robot_id, 'action', v_switch.action, 'cause', p_cause,
    'profile_id', v_switch.profile_id, 'timeout_ms', v_switch.timeout_ms, 'seen_at', v_switch.seen_at);
  PERFORM engine.record_fact(p_tenant_id, NULL, 'dead_mans_switch.fired', v_fact, v_now, v_switch.profile_id);
  PERFORM engine.record_audit(p_tenant_id, 'engine:dead_mans_switch', 'fire_switch', NULL, v_fact, v_now);
  IF v_switch.action <> 'cancel' THEN
    PERFORM engine.reduce_profile(p_tenant_id, v_switch.profile_id, 'dead-man''s switch: ' || p_cause,
      'engine:dead_mans_switch', v_now, CASE v_switch.action WHEN 'halt' THEN 'halted' ELSE 'reducing' END);
  END IF;
  RETURN jsonb_build_object('fired', true, 'sweep', true, 'action', v_switch.action);
END
$$;
COMMENT ON FUNCTION engine.fn_fire_switch IS
  'Fires a dead-man''s switch if it is due: its mode at once, its cancels by fn_sweep_switch.';
REVOKE ALL ON FUNCTION engine.fn_fire_switch FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_fire_switch TO holdfast_engine;
