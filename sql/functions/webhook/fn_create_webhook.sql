-- Creates a webhook route: where alerts arrive, whose robot and profile they trade with, and how each becomes an order.
-- The secret itself never reaches the database. What a template must look like is checked where it is written.
-- Locks robot and profile against removal. Writes webhook_routes, outbox, audit.
-- Raises HF403 foreign tenant; HF404 no such robot or profile; HF415 id or name exists; HF422 name, hash, lag, template.
CREATE OR REPLACE FUNCTION engine.fn_create_webhook(
  p_tenant_id uuid, p_route_id uuid, p_name text, p_robot_id uuid, p_profile_id uuid, p_secret_hash bytea,
  p_template jsonb, p_max_lag_s integer, p_actor text
) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
  v_fact jsonb := jsonb_build_object('route_id', p_route_id, 'name', p_name, 'robot_id', p_robot_id,
    'profile_id', p_profile_id, 'max_lag_s', p_max_lag_s);
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  IF length(p_secret_hash) IS DISTINCT FROM 32 THEN
    PERFORM engine.refuse('HF422', 'a secret''s hash has 32 bytes', '{"argument": "secret_hash"}');
  ELSIF (p_max_lag_s BETWEEN 1 AND 86400) IS NOT TRUE THEN
    PERFORM engine.refuse('HF422', 'max_lag_s lies between 1 and 86400', '{"argument": "max_lag_s"}');
  ELSIF jsonb_typeof(p_template) IS DISTINCT FROM 'object' OR octet_length(p_template::text) > 65536 THEN
    PERFORM engine.refuse('HF422', 'a template is a JSON object of at most 64 KiB', '{"argument": "template"}');
  END IF;
  PERFORM FROM engine.robots WHERE tenant_id = p_tenant_id AND robot_id = p_robot_id FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such robot', jsonb_build_object('robot_id', p_robot_id));
  END IF;
  PERFORM FROM engine.profiles WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such profile', jsonb_build_object('profile_id', p_profile_id));
  END IF;
  INSERT INTO engine.webhook_routes (tenant_id, route_id, name, robot_id, profile_id, secret_hash, template, max_lag_s,
    created_at)
  VALUES (p_tenant_id, p_route_id, engine.checked_name(p_name, 'name'), p_robot_id, p_profile_id, p_secret_hash,
    p_template, p_max_lag_s, v_now)
  ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF415', 'a webhook of this id or name exists', jsonb_build_object('name', p_name));
  END IF;
  PERFORM engine.record_fact(p_tenant_id, NULL, 'webhook.created', v_fact, v_now, p_profile_id);
  PERFORM engine.record_audit(p_tenant_id, p_actor, 'create_webhook', NULL, v_fact, v_now);
  RETURN p_route_id;
END
$$;
COMMENT ON FUNCTION engine.fn_create_webhook IS
  'Creates a webhook route; gives its id.';
REVOKE ALL ON FUNCTION engine.fn_create_webhook FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_create_webhook TO holdfast_engine;
