-- Records that the broker refused the event after published_seq. Below p_failures_max it is due again after a pause
-- that doubles; at p_failures_max it becomes a dead letter with code and trace, and the next event is due.
-- p_event is what was to be published. Its dead letter's id follows from tenant, epoch and seq.
-- Locks and writes tenant_relay; may write dead_letters.
-- Codes: OK {dead, failures, dead_letter_id}, STALE_TOKEN; a seq that is not the next one changes nothing (OK, replay).
-- Raises HF403 foreign tenant; HF422 no code, or p_failures_max below 1.
CREATE OR REPLACE FUNCTION engine.fn_fail_relay(
    p_tenant_id uuid, p_token bigint, p_event jsonb, p_code text, p_trace text, p_failures_max integer
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_relay engine.tenant_relay;
  v_seq bigint := (p_event ->> 'seq')::bigint;
  v_id uuid := md5(p_tenant_id || ':' || (p_event ->> 'epoch') || ':' || (p_event ->> 'seq'))::uuid;
  v_now timestamptz := engine.fn_clock();
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  IF v_seq IS NULL OR v_id IS NULL OR p_failures_max IS NULL OR p_failures_max < 1 THEN
    PERFORM engine.refuse('HF422', 'an event with epoch and seq, and at least one failure');
  END IF;
  v_relay := engine.lock_relay(p_tenant_id, p_token);
  IF v_relay.tenant_id IS NULL THEN
    RETURN '{"code": "STALE_TOKEN"}';
  ELSIF v_seq <> v_relay.published_seq + 1 THEN
    RETURN jsonb_build_object('code', 'OK', 'replay', true, 'dead', false, 'failures', v_relay.failures);
  END IF;
  IF v_relay.failures + 1 < p_failures_max THEN
    UPDATE engine.tenant_relay SET failures = failures + 1,
      retry_at = v_now + least(0.1 * 2 ^ least(failures, 20), 60) * interval '1 second'
    WHERE tenant_id = p_tenant_id;
    RETURN jsonb_build_object('code', 'OK', 'replay', false, 'dead', false, 'failures', v_relay.failures + 1);
  END IF;
  INSERT INTO engine.dead_letters (tenant_id, dead_letter_id, direction, source, payload, code, trace, attempts,
                                   created_at)
  VALUES (p_tenant_id, v_id, 'out', 'relay', p_event, engine.checked_text(p_code, 'code'), left(p_trace, 8000),
          v_relay.failures + 1, v_now)
  ON CONFLICT DO NOTHING;
  UPDATE engine.tenant_relay SET published_seq = v_seq, failures = 0, retry_at = NULL WHERE tenant_id = p_tenant_id;
  RETURN jsonb_build_object('code', 'OK', 'replay', false, 'dead', true, 'failures', v_relay.failures + 1,
                            'dead_letter_id', v_id);
END
$$;
COMMENT ON FUNCTION engine.fn_fail_relay IS
  'Counts a refusal by the broker; the last one makes the event a dead letter.';
REVOKE ALL ON FUNCTION engine.fn_fail_relay FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_fail_relay TO holdfast_engine;
