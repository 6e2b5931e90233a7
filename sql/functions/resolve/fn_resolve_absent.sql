-- Takes a complete read of the exchange that showed nothing of an intent, and ends the intent as not_placed if that
-- is the second one that counts: proof, new fencing token, release and entry lock in this one transaction.
-- p_proof as for fn_record_proof, with read_gap_ms. Only the holder of the account's lease may ask.
-- Codes: OK {replay, proof_id}; NOT_PROVEN (the read is kept, another is needed); CONTRADICTED (the exchange has
-- shown the order before: it is kept, and only an operator can settle it); ILLEGAL_TRANSITION {state}.
-- Locks: the lease (share) → intent → position → profile_capital. Writes proofs, intents,
-- reservations, positions, the ledger, outbox.
-- Raises HF403 foreign tenant; HF404 no such order; HF410 the lease is not held with this token; HF422 bad proof.
CREATE OR REPLACE FUNCTION engine.fn_resolve_absent(
    p_tenant_id uuid, p_intent_id uuid, p_lease_token bigint, p_proof jsonb
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now      timestamptz := engine.fn_clock();
  v_intent   engine.intents;
  v_missing  text;
  v_proof_id bigint;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  SELECT * INTO v_intent FROM engine.intents WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such order', jsonb_build_object('order_id', p_intent_id));
  END IF;
  PERFORM engine.require_lease(p_tenant_id, v_intent.account_id, p_lease_token, v_now);
  SELECT * INTO v_intent FROM engine.intents
    WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id FOR NO KEY UPDATE;
  IF v_intent.state = 'not_placed' THEN
    RETURN '{"code": "OK", "replay": true}';
  ELSIF v_intent.state NOT IN ('sending', 'in_doubt') THEN
    RETURN jsonb_build_object('code', 'ILLEGAL_TRANSITION', 'state', v_intent.state);
  END IF;
  v_missing := engine.judge_absence(v_intent, p_proof);
  IF v_missing IS NULL AND v_intent.state = 'sending' AND v_intent.expires_at > v_now THEN
    v_missing := 'NOT_PROVEN';  -- its sender may be about to send
  END IF;
  v_proof_id := engine.write_proof(v_intent, p_lease_token,
    CASE WHEN v_missing IS NULL THEN 'absent' ELSE 'nothing_shown' END, p_proof, v_now);
  IF v_missing IS NOT NULL THEN
    RETURN jsonb_build_object('code', v_missing, 'proof_id', v_proof_id);
  END IF;
  UPDATE engine.intents SET fencing_token = nextval('engine.fencing_tokens'), updated_at = v_now
    WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id RETURNING * INTO v_intent;
  RETURN engine.refuse_intents(p_tenant_id, jsonb_build_array(jsonb_build_object('intent_id', p_intent_id,
      'fencing_token', v_intent.fencing_token, 'reason', 'proven absent')), NULL, 'not_placed', v_now) -> 0
    || jsonb_build_object('proof_id', v_proof_id);
END
$$;
COMMENT ON FUNCTION engine.fn_resolve_absent IS
  'Ends an intent as not placed if two reads of the exchange prove that it has no order.';
REVOKE ALL ON FUNCTION engine.fn_resolve_absent FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_resolve_absent TO holdfast_engine;
