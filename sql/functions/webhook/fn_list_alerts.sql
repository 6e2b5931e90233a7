-- Lists the alerts of a webhook route, newest first, at most 500; of all routes if none is named.
-- Locks nothing, writes nothing. Raises HF403 foreign tenant.
CREATE OR REPLACE FUNCTION engine.fn_list_alerts(p_tenant_id uuid, p_route_id uuid, p_limit integer)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  RETURN (
    SELECT coalesce(jsonb_agg(jsonb_build_object('alert_id', a.alert_id, 'route_id', a.route_id,
      'identity', a.identity, 'body', a.body, 'said_at', a.said_at, 'received_at', a.received_at, 'state', a.state,
      'attempts', a.attempts, 'code', a.code, 'result', a.result, 'finished_at', a.finished_at)
      ORDER BY a.received_at DESC, a.alert_id DESC), '[]')
    FROM (SELECT * FROM engine.alerts
          WHERE tenant_id = p_tenant_id AND (p_route_id IS NULL OR route_id = p_route_id)
          ORDER BY received_at DESC, alert_id DESC LIMIT least(greatest(p_limit, 1), 500)) a);
END
$$;
COMMENT ON FUNCTION engine.fn_list_alerts IS
  'Alerts, newest first.';
REVOKE ALL ON FUNCTION engine.fn_list_alerts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_list_alerts TO holdfast_engine, holdfast_operator, holdfast_reader;
