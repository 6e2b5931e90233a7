-- An operator's end of an intent that is in doubt, is sending past its expiry, or waits for one: placed (with the
-- exchange's order id) does what a confirmation does, not_placed releases what the intent holds. Takes the intent
-- over by a new fencing token. The operator's word is kept as a proof, told as an event, and audited.
-- Answers {code: OK, replay, order} or CONFLICT (the order belongs to another intent).
-- Locks intent, entry lock, order, position, profile_capital, in this order. Writes what fn_persist_*_lifecycle or
-- fn_not_placed write, proofs, outbox and audit.
-- Raises HF403 foreign tenant; HF404 no such order; HF409 the intent waits for no operator; HF413 key missing; HF414
-- key reused; HF422 bad outcome, order id, actor or reason.
CREATE OR REPLACE FUNCTION engine.fn_settle(
    p_tenant_id uuid, p_intent_id uuid, p_outcome text, p_exchange_order_id text, p_key text,
    p_actor text, p_reason text
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now    timestamptz := engine.fn_clock();
  v_key    text;
  v_intent engine.intents;
  v_token  bigint;
  v_fact   jsonb;
  v_item   jsonb;
  v_answer jsonb;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  v_key := engine.operator_key(p_key);
  PERFORM engine.checked_text(p_actor, 'actor'), engine.checked_text(p_reason, 'reason');
  IF (p_outcome = 'not_placed' AND p_exchange_order_id IS NULL
      OR p_outcome = 'placed' AND length(btrim(p_exchange_order_id)) BETWEEN 1 AND 128) IS NOT TRUE THEN
    PERFORM engine.refuse('HF422', 'the outcome is placed, with an exchange order id, or not_placed, without one');
  END IF;
  SELECT * INTO v_intent FROM engine.intents
    WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such order', jsonb_build_object('order_id', p_intent_id));
  END IF;
  v_fact := jsonb_build_object('intent_id', p_intent_id, 'outcome', p_outcome,
                               'exchange_order_id', p_exchange_order_id, 'key', v_key);
  IF EXISTS (SELECT FROM engine.audit a WHERE a.tenant_id = p_tenant_id AND a.action = 'settle'
             AND a.detail->>'key' = v_key AND NOT a.detail @> v_fact) THEN
    PERFORM engine.refuse('HF414', 'the key was used for something else', jsonb_build_object('key', p_key));
  END IF;
  IF p_outcome = 'placed' AND v_intent.state = 'confirmed' AND v_intent.exchange_order_id = p_exchange_order_id
     OR p_outcome = 'not_placed' AND v_intent.state = 'not_placed' THEN
    RETURN jsonb_build_object('code', 'OK', 'replay', true, 'order', engine.fn_get_order(p_tenant_id, p_intent_id));
  ELSIF v_intent.state NOT IN ('in_doubt', 'needs_operator')
    AND (v_intent.state <> 'sending' OR v_intent.expires_at > v_now) THEN
    PERFORM engine.refuse('HF409', 'this intent waits for no operator', jsonb_build_object('state', v_intent.state));
  END IF;
  UPDATE engine.intents SET fencing_token = nextval('engine.fencing_tokens'), updated_at = v_now
    WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id RETURNING fencing_token INTO v_token;
  v_item := jsonb_build_array(jsonb_build_object('intent_id', p_intent_id, 'fencing_token', v_token,
    'exchange_order_id', p_exchange_order_id, 'reason', p_reason, 'actor', p_actor,
    'evidence', jsonb_build_object('settled_by', p_actor, 'reason', p_reason)));
  v_answer := CASE
    WHEN p_outcome = 'not_placed' THEN engine.fn_not_placed(p_tenant_id, v_item)
    WHEN v_intent.kind = 'entry' THEN engine.fn_persist_entry_lifecycle(p_tenant_id, v_item)
    ELSE engine.fn_persist_exit_lifecycle(p_tenant_id, v_item) END -> 0;
  PERFORM engine.record_audit(p_tenant_id, p_actor, 'settle', v_answer->>'code',
    v_fact || jsonb_build_object('reason', p_reason, 'before', v_intent.state, 'answer', v_answer), v_now);
  IF v_answer->>'code' <> 'OK' THEN
    RETURN v_answer;
  END IF;
  PERFORM engine.write_proof(v_intent, NULL, 'operator', jsonb_build_object('began_at', v_now, 'ended_at', v_now,
    'actor', p_actor, 'asked', jsonb_build_object('outcome', p_outcome, 'exchange_order_id', p_exchange_order_id,
      'reason', p_reason)), v_now);
  INSERT INTO engine.outbox (tenant_id, event_id, profile_id, intent_id, type, payload, recorded_at)
  VALUES (p_tenant_id, nextval('engine.event_ids'), v_intent.profile_id, p_intent_id, 'adjustment.settled',
    v_fact - 'key' - 'intent_id' || jsonb_build_object('client_order_id', v_intent.client_order_id,
      'before', v_intent.state, 'actor', p_actor, 'reason', p_reason), v_now);
  RETURN jsonb_build_object('code', 'OK', 'replay', false, 'order', engine.fn_get_order(p_tenant_id, p_intent_id));
END
$$;
COMMENT ON FUNCTION engine.fn_settle IS
  'Ends an intent in doubt by an operator''s word. The same call again changes nothing.';
REVOKE ALL ON FUNCTION engine.fn_settle FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_settle TO holdfast_engine;
