-- Gives an intent to an operator, because the exchange cannot prove its fate: in doubt, or sending past its expiry.
-- Reservation and entry lock stay; a fill or report that shows the order still confirms it. Takes the intent over
-- by a new fencing token, so that a late sender releases nothing either. p_proof may be NULL.
-- Only the holder of the account's lease may ask.
-- Codes: OK {replay, proof_id}, ILLEGAL_TRANSITION {state}. Locks the lease (share) → intent.
-- Writes intents, proofs, outbox.
-- Raises HF403 foreign tenant; HF404 no such order; HF410 the lease is not held with this token; HF422 bad reason.
CREATE OR REPLACE FUNCTION engine.fn_needs_operator(
    p_tenant_id uuid, p_intent_id uuid, p_lease_token bigint, p_reason text, p_proof jsonb
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now      timestamptz := engine.fn_clock();
  v_intent   engine.intents;
  v_proof_id bigint;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  SELECT * INTO v_intent FROM engine.intents WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such order', jsonb_build_object('order_id', p_intent_id));
  END IF;
  PERFORM engine.checked_text(p_reason, 'reason');
  PERFORM engine.require_lease(p_tenant_id, v_intent.account_id, p_lease_token, v_now);
  SELECT * INTO v_intent FROM engine.intents
    WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id FOR NO KEY UPDATE;
  IF v_intent.state = 'needs_operator' THEN
    RETURN '{"code": "OK", "replay": true}';
  ELSIF v_intent.state <> 'in_doubt' AND (v_intent.state <> 'sending' OR v_intent.expires_at > v_now) THEN
    RETURN jsonb_build_object('code', 'ILLEGAL_TRANSITION', 'state', v_intent.state);
  END IF;
  IF p_proof IS NOT NULL THEN
    v_proof_id := engine.write_proof(v_intent, p_lease_token, 'nothing_shown', p_proof, v_now);
  END IF;
  IF v_intent.state = 'sending' THEN  -- the table of transitions leads there by in_doubt
    UPDATE engine.intents SET state = 'in_doubt' WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id;
  END IF;
  UPDATE engine.intents SET state = 'needs_operator', reason = p_reason, updated_at = v_now,
    fencing_token = nextval('engine.fencing_tokens')
  WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id;
  INSERT INTO engine.outbox (tenant_id, event_id, profile_id, intent_id, type, payload, recorded_at)
  VALUES (p_tenant_id, nextval('engine.event_ids'), v_intent.profile_id, p_intent_id, 'intent.needs_operator',
    jsonb_build_object('client_order_id', v_intent.client_order_id, 'symbol', v_intent.symbol,
      'reason', p_reason), v_now);
  RETURN jsonb_build_object('code', 'OK', 'replay', false, 'proof_id', v_proof_id);
END
$$;
COMMENT ON FUNCTION engine.fn_needs_operator IS
  'Gives an intent whose fate the exchange cannot prove to an operator; nothing is released.';
REVOKE ALL ON FUNCTION engine.fn_needs_operator FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_needs_operator TO holdfast_engine;
