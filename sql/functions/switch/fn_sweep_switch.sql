-- Requests the cancels that a fired dead-man's switch owes: of all open orders of its robot, for the action reduce of
-- its entries only. They go out like any requested cancel: now, or when presence is proven.
-- Locks the switch, then intents, sorted. Writes intents, outbox, dead_mans_switches. A switch that has swept, or was
-- never fired, requests nothing. Answers {cancels}. Raises HF403 foreign tenant.
CREATE OR REPLACE FUNCTION engine.fn_sweep_switch(p_tenant_id uuid, p_robot_id uuid)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
  v_actor constant text := 'engine:dead_mans_switch';
  v_switch engine.dead_mans_switches;
  v_intent engine.intents;
  v_cancels integer := 0;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  SELECT * INTO v_switch FROM engine.dead_mans_switches
  WHERE tenant_id = p_tenant_id AND robot_id = p_robot_id FOR NO KEY UPDATE;
  IF v_switch.sweeping IS NOT TRUE THEN
    RETURN jsonb_build_object('cancels', 0);
  END IF;
  FOR v_intent IN
    SELECT i.* FROM engine.intents i
    WHERE i.tenant_id = p_tenant_id AND i.robot_id = p_robot_id AND i.released_at IS NULL
      AND i.cancel_requested_at IS NULL AND i.state IN ('sending', 'in_doubt', 'needs_operator', 'confirmed')
      AND (v_switch.action <> 'reduce' OR i.kind = 'entry')
    ORDER BY i.intent_id FOR NO KEY UPDATE
  LOOP
    CONTINUE WHEN v_intent.state = 'confirmed' AND NOT EXISTS (SELECT FROM engine.orders o
      WHERE o.tenant_id = p_tenant_id AND o.intent_id = v_intent.intent_id AND o.status = 'open');
    UPDATE engine.intents SET cancel_requested_at = v_now, cancel_actor = v_actor, updated_at = v_now
    WHERE tenant_id = p_tenant_id AND intent_id = v_intent.intent_id;
    PERFORM engine.record_fact(p_tenant_id, NULL, 'cancel.requested',
      jsonb_build_object('client_order_id', v_intent.client_order_id, 'symbol', v_intent.symbol, 'actor', v_actor),
      v_now, v_intent.profile_id, v_intent.intent_id);
    v_cancels := v_cancels + 1;
  END LOOP;
  UPDATE engine.dead_mans_switches SET sweeping = false, fired_cancels = v_cancels
  WHERE tenant_id = p_tenant_id AND robot_id = p_robot_id;
  RETURN jsonb_build_object('cancels', v_cancels);
END
$$;
COMMENT ON FUNCTION engine.fn_sweep_switch IS
  'Requests the cancels that a fired dead-man''s switch owes; gives how many.';
REVOKE ALL ON FUNCTION engine.fn_sweep_switch FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_sweep_switch TO holdfast_engine;
