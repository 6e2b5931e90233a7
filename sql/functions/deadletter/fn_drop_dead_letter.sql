-- Ends an open dead letter by an operator's decision: nothing is tried any more, the row stays. The same call again
-- changes nothing.
-- Locks and writes the dead letter; writes one audit row.
-- Codes: OK {replay, letter}, ILLEGAL_TRANSITION (an attempt was asked for).
-- Raises HF403 foreign tenant; HF404 no such dead letter; HF422 no actor or reason.
CREATE OR REPLACE FUNCTION engine.fn_drop_dead_letter(
    p_tenant_id uuid, p_dead_letter_id uuid, p_actor text, p_reason text
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_letter engine.dead_letters;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  v_letter := engine.lock_dead_letter(p_tenant_id, p_dead_letter_id);
  IF v_letter.state = 'retried' THEN
    RETURN jsonb_build_object('code', 'ILLEGAL_TRANSITION', 'state', v_letter.state);
  ELSIF v_letter.state = 'dropped' THEN
    RETURN jsonb_build_object('code', 'OK', 'replay', true, 'letter', engine.dead_letter_view(v_letter));
  END IF;
  UPDATE engine.dead_letters SET state = 'dropped'
  WHERE tenant_id = p_tenant_id AND dead_letter_id = p_dead_letter_id RETURNING * INTO v_letter;
  PERFORM engine.record_audit(p_tenant_id, p_actor, 'drop_dead_letter', NULL, jsonb_build_object(
    'dead_letter_id', p_dead_letter_id, 'code', v_letter.code,
    'reason', engine.checked_text(p_reason, 'reason')), engine.fn_clock());
  RETURN jsonb_build_object('code', 'OK', 'replay', false, 'letter', engine.dead_letter_view(v_letter));
END
$$;
COMMENT ON FUNCTION engine.fn_drop_dead_letter IS
  'Ends a dead letter; nothing is tried any more.';
REVOKE ALL ON FUNCTION engine.fn_drop_dead_letter FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_drop_dead_letter TO holdfast_engine;
