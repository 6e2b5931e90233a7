-- Lists webhook routes by name, without their secrets' hashes, with how many alerts are in which state; deleted ones
-- are left out. Locks nothing, writes nothing. Raises HF403 foreign tenant.
CREATE OR REPLACE FUNCTION engine.fn_list_webhooks(p_tenant_id uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  RETURN (
    SELECT coalesce(jsonb_agg(jsonb_build_object('route_id', w.route_id, 'name', w.name, 'robot_id', w.robot_id,
      'profile_id', w.profile_id, 'template', w.template, 'max_lag_s', w.max_lag_s, 'created_at', w.created_at,
      'alerts', (SELECT coalesce(jsonb_object_agg(c.state, c.alerts), '{}')
        FROM (SELECT a.state, count(*) AS alerts FROM engine.alerts a
              WHERE a.tenant_id = w.tenant_id AND a.route_id = w.route_id GROUP BY 1) c)) ORDER BY w.name), '[]')
    FROM engine.webhook_routes w WHERE w.tenant_id = p_tenant_id AND w.deleted_at IS NULL);
END
$$;
COMMENT ON FUNCTION engine.fn_list_webhooks IS
  'Webhook routes by name.';
REVOKE ALL ON FUNCTION engine.fn_list_webhooks FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_list_webhooks TO holdfast_engine, holdfast_operator, holdfast_reader;
