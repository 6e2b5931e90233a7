-- Deletes a webhook route: no alert is taken for it any more, and those that wait are refused. Its alerts stay.
-- Locks and writes the route; writes outbox, audit. A route that is deleted already stays so.
-- Raises HF403 foreign tenant; HF404 no such route; HF422 no actor.
CREATE OR REPLACE FUNCTION engine.fn_delete_webhook(p_tenant_id uuid, p_route_id uuid, p_actor text)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
  v_route engine.webhook_routes;
  v_fact jsonb;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  PERFORM engine.checked_text(p_actor, 'actor');
  SELECT * INTO v_route FROM engine.webhook_routes
  WHERE tenant_id = p_tenant_id AND route_id = p_route_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such webhook', jsonb_build_object('route_id', p_route_id));
  ELSIF v_route.deleted_at IS NOT NULL THEN
    RETURN false;
  END IF;
  UPDATE engine.webhook_routes SET deleted_at = v_now WHERE tenant_id = p_tenant_id AND route_id = p_route_id;
  v_fact := jsonb_build_object('route_id', p_route_id, 'name', v_route.name);
  PERFORM engine.record_fact(p_tenant_id, NULL, 'webhook.deleted', v_fact, v_now, v_route.profile_id);
  PERFORM engine.record_audit(p_tenant_id, p_actor, 'delete_webhook', NULL, v_fact, v_now);
  RETURN true;
END
$$;
COMMENT ON FUNCTION engine.fn_delete_webhook IS
  'Deletes a webhook route; tells whether it was there until now.';
REVOKE ALL ON FUNCTION engine.fn_delete_webhook FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_delete_webhook TO holdfast_engine;
