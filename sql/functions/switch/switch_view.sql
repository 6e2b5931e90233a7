-- A robot's dead-man's switch as it is shown. Locks, writes and raises nothing; NULL if there is none.
CREATE OR REPLACE FUNCTION engine.switch_view(p_switch engine.dead_mans_switches) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = '' AS $$
  SELECT CASE WHEN p_switch.robot_id IS NOT NULL THEN jsonb_build_object('robot_id', p_switch.robot_id,
    'armed', p_switch.armed, 'timeout_ms', p_switch.timeout_ms, 'action', p_switch.action,
    'profile_id', p_switch.profile_id, 'cancel_on_disconnect', p_switch.cancel_on_disconnect,
    'seen_at', p_switch.seen_at, 'expires_at', CASE WHEN p_switch.armed THEN p_switch.expires_at END,
    'fired_at', p_switch.fired_at, 'fired_cause', p_switch.fired_cause,
    'fired_cancels', p_switch.fired_cancels) END
$$;
COMMENT ON FUNCTION engine.switch_view(engine.dead_mans_switches) IS 'a dead-man''s switch as it is shown';
REVOKE ALL ON FUNCTION engine.switch_view(engine.dead_mans_switches) FROM PUBLIC;
