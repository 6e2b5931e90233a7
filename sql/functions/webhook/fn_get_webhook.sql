-- Reads what an alert is checked by: the hash of the route's secret (hex), its robot and its template. For the engine
-- alone. Locks nothing, writes nothing. Raises HF403 foreign tenant. NULL if there is no such route, or it is deleted.
CREATE OR REPLACE FUNCTION engine.fn_get_webhook(p_tenant_id uuid, p_route_id uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  RETURN (
    SELECT jsonb_build_object('route_id', w.route_id, 'name', w.name, 'robot_id', w.robot_id,
      'secret_hash', encode(w.secret_hash, 'hex'), 'template', w.template, 'max_lag_s', w.max_lag_s)
    FROM engine.webhook_routes w
    WHERE w.tenant_id = p_tenant_id AND w.route_id = p_route_id AND w.deleted_at IS NULL);
END
$$;
COMMENT ON FUNCTION engine.fn_get_webhook IS
  'What an alert is checked by, or NULL.';
REVOKE ALL ON FUNCTION engine.fn_get_webhook FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_get_webhook TO holdfast_engine;
