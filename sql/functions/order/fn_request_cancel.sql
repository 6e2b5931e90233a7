-- Records that orders shall be canceled, once: array of {intent_id, actor}, from robots with {robot_id,
-- idempotency_key, request_hash}. Also while the intent is still sending or in doubt; the cancel then goes out when
-- presence is proven.
-- Locks: request keys, then intents, each sorted. Writes: request_keys, intents, outbox.
-- Codes: OK {state, order_status, send, final, account_id, symbol, exchange_order_id, client_order_id, replay},
-- NOT_FOUND, IDEMPOTENCY_KEY_REUSED.
-- `send`: the order is open, send the cancel now. `final`: there is nothing left to cancel.
-- Raises HF401, HF403, HF422.
CREATE OR REPLACE FUNCTION engine.fn_request_cancel(p_tenant_id uuid, p_items jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
-- a plan made while a table was empty must not become a scan of it for the session's life
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
  v_claims jsonb[];
  v_results jsonb[];
  v_item jsonb;
  v_claim jsonb;
  v_intent engine.intents;
  v_status text;
  v_final boolean;
BEGIN
  -- a condition instead of PERFORM, which prepares an executor each time
  IF engine.enter_tenant(p_tenant_id) IS NULL OR engine.check_items(p_items) IS NULL THEN
    RETURN NULL;
  END IF;
  v_claims := engine.claim_cancels(p_tenant_id, p_items, v_now);
  -- an array, not a set: joined with a set and sorted by their key, all intents there ever were would be read
  PERFORM FROM engine.intents WHERE tenant_id = p_tenant_id
    AND intent_id = ANY (ARRAY(SELECT (e ->> 'intent_id')::uuid FROM jsonb_array_elements(p_items) e))
  ORDER BY intent_id FOR NO KEY UPDATE;
  FOR v_item IN SELECT e FROM jsonb_array_elements(p_items) e LOOP
    v_claim := v_claims[coalesce(cardinality(v_results), 0) + 1];
    IF v_claim ? 'code' THEN
      v_results := v_results || v_claim;
      CONTINUE;
    END IF;
    SELECT * INTO v_intent FROM engine.intents
    WHERE tenant_id = p_tenant_id AND intent_id = (v_item ->> 'intent_id')::uuid;
    IF NOT FOUND THEN
      v_results := v_results || '{"code": "NOT_FOUND"}'::jsonb;
      CONTINUE;
    END IF;
    SELECT status INTO v_status FROM engine.orders
    WHERE tenant_id = p_tenant_id AND intent_id = v_intent.intent_id;
    v_final := v_status <> 'open' OR v_intent.state IN ('rejected', 'not_placed');
    IF v_intent.cancel_requested_at IS NULL AND v_final IS NOT TRUE THEN
      UPDATE engine.intents SET cancel_requested_at = v_now, cancel_actor = v_item ->> 'actor', updated_at = v_now
      WHERE tenant_id = p_tenant_id AND intent_id = v_intent.intent_id;
      INSERT INTO engine.outbox (tenant_id, event_id, profile_id, intent_id, type, payload, recorded_at)
      VALUES (p_tenant_id, nextval('engine.event_ids'), v_intent.profile_id, v_intent.intent_id,
        'cancel.requested', jsonb_build_object('client_order_id', v_intent.client_order_id,
          'symbol', v_intent.symbol, 'actor', v_item ->> 'actor'), v_now);
    END IF;
    v_results := v_results || jsonb_build_object('code', 'OK', 'state', v_intent.state, 'order_status', v_status,
      'send', v_intent.state = 'confirmed' AND v_status IS NOT DISTINCT FROM 'open',
      'final', coalesce(v_final, false), 'account_id', v_intent.account_id, 'symbol', v_intent.symbol,
      'exchange_order_id', v_intent.exchange_order_id, 'client_order_id', v_intent.client_order_id,
      'replay', v_claim IS NOT NULL);
  END LOOP;
  RETURN to_jsonb(v_results);
END $$;
COMMENT ON FUNCTION engine.fn_request_cancel(uuid, jsonb) IS 'records that orders shall be canceled';
REVOKE ALL ON FUNCTION engine.fn_request_cancel(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_request_cancel(uuid, jsonb) TO holdfast_engine;
