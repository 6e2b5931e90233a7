-- Disarms a robot's dead-man's switch; one that is not armed, or not there, stays as it is.
-- Locks and writes the switch; writes outbox and audit if it was armed. Raises HF403 foreign tenant.
CREATE OR REPLACE FUNCTION engine.fn_disarm_switch(p_tenant_id uuid, p_robot_id uuid)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
  v_switch engine.dead_mans_switches;
  v_fact jsonb := jsonb_build_object('robot_id', p_robot_id);
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  UPDATE engine.dead_mans_switches SET armed = false, seen_at = v_now
  WHERE tenant_id = p_tenant_id AND robot_id = p_robot_id AND armed;
  IF FOUND THEN
    PERFORM engine.record_fact(p_tenant_id, NULL, 'dead_mans_switch.disarmed', v_fact, v_now);
    PERFORM engine.record_audit(p_tenant_id, 'robot:' || p_robot_id, 'disarm_switch', NULL, v_fact, v_now);
  END IF;
  SELECT * INTO v_switch FROM engine.dead_mans_switches WHERE tenant_id = p_tenant_id AND robot_id = p_robot_id;
  RETURN engine.switch_view(v_switch);
END
$$;
COMMENT ON FUNCTION engine.fn_disarm_switch IS
  'Disarms a robot''s dead-man''s switch; gives it, NULL if there is none.';
REVOKE ALL ON FUNCTION engine.fn_disarm_switch FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_disarm_switch TO holdfast_engine;
