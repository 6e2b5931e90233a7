-- Lets an alert that is dead or refused be executed again, as if it had arrived now, by an operator's word. After a
-- refusal its order gets a new key, because the refusal stays with the old one; a dead one keeps its key, so that an
-- order it may have placed is found and not placed twice. Locks the alert and its dead letter. Writes alerts,
-- dead_letters, audit. Raises HF403 foreign tenant; HF404 no such alert; HF409 it is neither; HF422 no actor.
CREATE OR REPLACE FUNCTION engine.fn_retry_alert(p_tenant_id uuid, p_alert_id uuid, p_actor text)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
  v_state text;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  SELECT state INTO v_state FROM engine.alerts
  WHERE tenant_id = p_tenant_id AND alert_id = p_alert_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such alert', jsonb_build_object('alert_id', p_alert_id));
  ELSIF v_state NOT IN ('dead', 'refused') THEN
    PERFORM engine.refuse('HF409', 'only an alert that is dead or refused is retried',
      jsonb_build_object('state', v_state));
  END IF;
  UPDATE engine.alerts SET state = 'received', said_at = NULL, received_at = v_now, due_at = v_now, attempts = 0,
    retries = retries + (v_state = 'refused')::integer, finished_at = NULL
  WHERE tenant_id = p_tenant_id AND alert_id = p_alert_id;
  UPDATE engine.dead_letters SET state = 'retried' WHERE tenant_id = p_tenant_id AND dead_letter_id = p_alert_id;
  PERFORM engine.record_audit(p_tenant_id, p_actor, 'retry_alert', NULL,
    jsonb_build_object('alert_id', p_alert_id, 'state', v_state), v_now);
END
$$;
COMMENT ON FUNCTION engine.fn_retry_alert IS
  'Lets a dead or refused alert be executed again.';
REVOKE ALL ON FUNCTION engine.fn_retry_alert FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_retry_alert TO holdfast_engine;
