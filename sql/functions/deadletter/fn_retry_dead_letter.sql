-- Gives an open dead letter one more attempt: an outbound one is queued for the relay, an inbound one is the alert of
-- the same id, which is executed again. The same call again changes nothing.
-- Locks and writes the dead letter, or the alert; writes relay_retries and one audit row.
-- Codes: OK {replay, letter}, ILLEGAL_TRANSITION (it was dropped).
-- Raises HF403 foreign tenant; HF404 no such dead letter; HF422 no actor.
CREATE OR REPLACE FUNCTION engine.fn_retry_dead_letter(p_tenant_id uuid, p_dead_letter_id uuid, p_actor text)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_letter engine.dead_letters;
  v_now timestamptz := engine.fn_clock();
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  v_letter := engine.lock_dead_letter(p_tenant_id, p_dead_letter_id);
  IF v_letter.state = 'dropped' THEN
    RETURN jsonb_build_object('code', 'ILLEGAL_TRANSITION', 'state', v_letter.state);
  ELSIF v_letter.state = 'retried' THEN
    RETURN jsonb_build_object('code', 'OK', 'replay', true, 'letter', engine.dead_letter_view(v_letter));
  END IF;
  IF v_letter.direction = 'in' THEN
    PERFORM engine.fn_retry_alert(p_tenant_id, p_dead_letter_id, p_actor);
    v_letter.state := 'retried';
    RETURN jsonb_build_object('code', 'OK', 'replay', false, 'letter', engine.dead_letter_view(v_letter));
  END IF;
  UPDATE engine.dead_letters SET state = 'retried'
  WHERE tenant_id = p_tenant_id AND dead_letter_id = p_dead_letter_id RETURNING * INTO v_letter;
  INSERT INTO engine.relay_retries (tenant_id, dead_letter_id, requested_at)
  VALUES (p_tenant_id, p_dead_letter_id, v_now) ON CONFLICT DO NOTHING;
  PERFORM engine.record_audit(p_tenant_id, p_actor, 'retry_dead_letter', NULL,
    jsonb_build_object('dead_letter_id', p_dead_letter_id, 'code', v_letter.code), v_now);
  RETURN jsonb_build_object('code', 'OK', 'replay', false, 'letter', engine.dead_letter_view(v_letter));
END
$$;
COMMENT ON FUNCTION engine.fn_retry_dead_letter IS
  'Gives a dead letter one more attempt.';
REVOKE ALL ON FUNCTION engine.fn_retry_dead_letter FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_retry_dead_letter TO holdfast_engine;
