-- Claims an alert for p_claim_ms: only its claimant executes it until then. Alerts of a route are claimed in the order
-- in which they arrived: a later one waits until the earlier one has ended, at most that one's max_lag_s.
-- Locks and writes the alert. Raises HF403 foreign tenant; HF422 no time.
-- Answers the alert with its route, NULL if it is not to be had now.
CREATE OR REPLACE FUNCTION engine.fn_claim_alert(p_tenant_id uuid, p_alert_id uuid, p_claim_ms integer)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now timestamptz;
  v_alert engine.alerts;
  v_route engine.webhook_routes;
  v_enabled boolean;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  IF (p_claim_ms BETWEEN 1 AND 600000) IS NOT TRUE THEN
    PERFORM engine.refuse('HF422', 'claim_ms lies between 1 and 600000', '{"argument": "claim_ms"}');
  END IF;
  SELECT * INTO v_alert FROM engine.alerts
  WHERE tenant_id = p_tenant_id AND alert_id = p_alert_id FOR NO KEY UPDATE;
  v_now := engine.fn_clock();
  IF v_alert.state IS DISTINCT FROM 'received' OR v_alert.due_at > v_now OR EXISTS (
    SELECT FROM engine.alerts WHERE tenant_id = p_tenant_id AND route_id = v_alert.route_id AND state = 'received'
      AND (received_at, alert_id) < (v_alert.received_at, v_alert.alert_id)) THEN
    RETURN NULL;
  END IF;
  UPDATE engine.alerts SET attempts = attempts + 1, due_at = v_now + p_claim_ms * interval '1 millisecond'
  WHERE tenant_id = p_tenant_id AND alert_id = p_alert_id;
  SELECT * INTO v_route FROM engine.webhook_routes WHERE tenant_id = p_tenant_id AND route_id = v_alert.route_id;
  SELECT enabled INTO v_enabled FROM engine.robots WHERE tenant_id = p_tenant_id AND robot_id = v_route.robot_id;
  RETURN jsonb_build_object('alert_id', p_alert_id, 'body', v_alert.body, 'attempts', v_alert.attempts + 1,
    'retries', v_alert.retries, 'left_ms', v_route.max_lag_s * 1000
      - (extract(epoch FROM v_now - least(v_alert.said_at, v_alert.received_at)) * 1000)::bigint,
    'max_lag_s', v_route.max_lag_s, 'route', v_route.name, 'robot_id', v_route.robot_id,
    'profile_id', v_route.profile_id, 'template', v_route.template,
    'open', v_route.deleted_at IS NULL AND v_enabled);
END
$$;
COMMENT ON FUNCTION engine.fn_claim_alert IS
  'Claims an alert to execute it, in order of arrival for each route.';
REVOKE ALL ON FUNCTION engine.fn_claim_alert FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_claim_alert TO holdfast_engine;
