-- Records what came of an alert's execution: done, refused (a rule said no), dead (it can never be executed), or
-- received, to be tried again after p_retry_ms. Only for the attempt that claimed it last; a late one changes nothing.
-- Locks the alert. Writes alerts; outbox when it has ended; dead_letters when it is dead.
-- Answers {code: OK | STALE_TOKEN}. Raises HF403 foreign tenant; HF404 no such alert; HF422 state, code or time.
CREATE OR REPLACE FUNCTION engine.fn_finish_alert(
  p_tenant_id uuid, p_alert_id uuid, p_attempts integer, p_state text, p_code text, p_result jsonb,
  p_retry_ms integer, p_trace text
) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
  v_alert engine.alerts;
  v_route engine.webhook_routes;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  IF (p_state IN ('received', 'done', 'refused', 'dead')) IS NOT TRUE OR p_code IS NULL
    OR p_state = 'received' AND (p_retry_ms BETWEEN 0 AND 86400000) IS NOT TRUE THEN
    PERFORM engine.refuse('HF422', 'an alert ends done, refused or dead, or is tried again later',
      jsonb_build_object('state', p_state, 'code', p_code, 'retry_ms', p_retry_ms));
  END IF;
  SELECT * INTO v_alert FROM engine.alerts
  WHERE tenant_id = p_tenant_id AND alert_id = p_alert_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such alert', jsonb_build_object('alert_id', p_alert_id));
  ELSIF v_alert.state <> 'received' OR v_alert.attempts IS DISTINCT FROM p_attempts THEN
    RETURN jsonb_build_object('code', 'STALE_TOKEN');
  END IF;
  UPDATE engine.alerts SET state = p_state, code = p_code, result = p_result,
    due_at = CASE p_state WHEN 'received' THEN v_now + p_retry_ms * interval '1 millisecond' ELSE due_at END,
    finished_at = CASE WHEN p_state <> 'received' THEN v_now END
  WHERE tenant_id = p_tenant_id AND alert_id = p_alert_id;
  IF p_state = 'received' THEN
    RETURN jsonb_build_object('code', 'OK');
  END IF;
  SELECT * INTO v_route FROM engine.webhook_routes WHERE tenant_id = p_tenant_id AND route_id = v_alert.route_id;
  PERFORM engine.record_fact(p_tenant_id, NULL, 'alert.' || p_state, jsonb_build_object('alert_id', p_alert_id,
    'route', v_route.name, 'code', p_code, 'result', p_result), v_now, v_route.profile_id);
  IF p_state = 'dead' THEN
    INSERT INTO engine.dead_letters AS d (tenant_id, dead_letter_id, direction, source, payload, code, trace, attempts,
      created_at, state)
    VALUES (p_tenant_id, p_alert_id, 'in', 'webhook:' || v_route.name, jsonb_build_object('alert_id', p_alert_id,
      'route_id', v_alert.route_id, 'body', v_alert.body), p_code, p_trace, p_attempts, v_now, 'open')
    ON CONFLICT (tenant_id, dead_letter_id) DO UPDATE SET code = excluded.code, trace = excluded.trace,
      attempts = excluded.attempts, created_at = excluded.created_at, state = 'open';
  END IF;
  RETURN jsonb_build_object('code', 'OK');
END
$$;
COMMENT ON FUNCTION engine.fn_finish_alert IS
  'Records what came of an alert; one that can never be executed becomes a dead letter.';
REVOKE ALL ON FUNCTION engine.fn_finish_alert FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_finish_alert TO holdfast_engine;
