-- Keeps an alert before it is answered. The same alert is kept once: one of the same identity, or, where it has none,
-- of the same body within max_lag_s. One that is older than max_lag_s by its own time is kept as refused.
-- Locks the route, so that two of one alert at once are one. Writes alerts; outbox for a refused one.
-- Answers {alert_id, duplicate, state, code, lag_s, max_lag_s}.
-- Raises HF403 foreign tenant; HF404 no such route, or it is deleted.
CREATE OR REPLACE FUNCTION engine.fn_accept_alert(
  p_tenant_id uuid, p_route_id uuid, p_alert_id uuid, p_identity text, p_body text, p_body_hash bytea,
  p_said_at timestamptz
) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now timestamptz;
  v_route engine.webhook_routes;
  v_alert engine.alerts;
  v_lag_s bigint;
  v_old boolean;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  SELECT * INTO v_route FROM engine.webhook_routes
  WHERE tenant_id = p_tenant_id AND route_id = p_route_id AND deleted_at IS NULL FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such webhook', jsonb_build_object('route_id', p_route_id));
  END IF;
  v_now := engine.fn_clock();
  SELECT * INTO v_alert FROM engine.alerts
  WHERE tenant_id = p_tenant_id AND route_id = p_route_id
    AND CASE WHEN p_identity IS NULL THEN identity IS NULL AND body_hash = p_body_hash
          AND received_at > v_now - make_interval(secs => v_route.max_lag_s)
        ELSE identity = p_identity END
  ORDER BY received_at DESC LIMIT 1;
  IF FOUND THEN
    RETURN jsonb_build_object('alert_id', v_alert.alert_id, 'duplicate', true, 'state', v_alert.state,
      'code', v_alert.code);
  END IF;
  v_lag_s := extract(epoch FROM v_now - least(p_said_at, v_now))::bigint;
  v_old := v_lag_s > v_route.max_lag_s;
  INSERT INTO engine.alerts (tenant_id, alert_id, route_id, identity, body, body_hash, said_at, received_at, state,
    due_at, code, finished_at)
  VALUES (p_tenant_id, p_alert_id, p_route_id, p_identity, p_body, p_body_hash, p_said_at, v_now,
    CASE WHEN v_old THEN 'refused' ELSE 'received' END, v_now, CASE WHEN v_old THEN 'INTENT_EXPIRED' END,
    CASE WHEN v_old THEN v_now END);
  IF v_old THEN
    PERFORM engine.record_fact(p_tenant_id, NULL, 'alert.refused', jsonb_build_object('alert_id', p_alert_id,
      'route', v_route.name, 'code', 'INTENT_EXPIRED', 'lag_s', v_lag_s), v_now, v_route.profile_id);
  END IF;
  RETURN jsonb_build_object('alert_id', p_alert_id, 'duplicate', false,
    'state', CASE WHEN v_old THEN 'refused' ELSE 'received' END, 'code', CASE WHEN v_old THEN 'INTENT_EXPIRED' END,
    'lag_s', v_lag_s, 'max_lag_s', v_route.max_lag_s);
END
$$;
COMMENT ON FUNCTION engine.fn_accept_alert IS
  'Keeps an alert, once, before it is answered.';
REVOKE ALL ON FUNCTION engine.fn_accept_alert FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_accept_alert TO holdfast_engine;
