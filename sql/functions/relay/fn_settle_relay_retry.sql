-- Ends the one attempt that an operator asked for: p_code NULL, the broker has confirmed the dead letter's event;
-- otherwise it is open again with the new code and trace, and one attempt more.
-- Locks tenant_relay, then the dead letter. Writes dead_letters, relay_retries.
-- Codes: OK {state}, STALE_TOKEN, NOT_FOUND (nobody asked, or it was settled before). Raises HF403 foreign tenant.
CREATE OR REPLACE FUNCTION engine.fn_settle_relay_retry(
    p_tenant_id uuid, p_token bigint, p_dead_letter_id uuid, p_code text, p_trace text
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_relay engine.tenant_relay;
  v_state text;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  v_relay := engine.lock_relay(p_tenant_id, p_token);
  IF v_relay.tenant_id IS NULL THEN
    RETURN '{"code": "STALE_TOKEN"}';
  END IF;
  DELETE FROM engine.relay_retries WHERE tenant_id = p_tenant_id AND dead_letter_id = p_dead_letter_id;
  IF NOT FOUND THEN
    RETURN '{"code": "NOT_FOUND"}';
  END IF;
  UPDATE engine.dead_letters SET attempts = attempts + 1, state = CASE WHEN p_code IS NULL THEN state ELSE 'open' END,
    code = coalesce(p_code, code), trace = coalesce(left(p_trace, 8000), trace)
  WHERE tenant_id = p_tenant_id AND dead_letter_id = p_dead_letter_id RETURNING state INTO v_state;
  RETURN jsonb_build_object('code', 'OK', 'state', v_state);
END
$$;
COMMENT ON FUNCTION engine.fn_settle_relay_retry IS
  'Records what came of publishing a dead letter once more.';
REVOKE ALL ON FUNCTION engine.fn_settle_relay_retry FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_settle_relay_retry TO holdfast_engine;
