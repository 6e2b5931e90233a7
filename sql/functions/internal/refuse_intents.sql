-- Ends intents without an order: rejected by the exchange, or never placed. This releases, so the current fencing
-- token is asked for; the answer of a stale owner is kept as evidence and changes nothing.
-- p_kind NULL serves both kinds. An item's reason_code is its exchange_code, its reason its message or reason, its
-- actor an operator if one ended it.
-- Locks: intents → positions → profile_capital, each sorted. Writes intents,
-- reservations, positions, the ledger, outbox. Codes: OK (replay), NOT_FOUND, STALE_TOKEN,
-- ILLEGAL_TRANSITION. Raises nothing.
CREATE OR REPLACE FUNCTION engine.refuse_intents(
  p_tenant_id uuid, p_items jsonb, p_kind text, p_state text, p_now timestamptz
) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  v_results jsonb[];
  v_item jsonb;
  v_intent engine.intents;
  v_event_id bigint;
BEGIN
  PERFORM engine.lock_intents(p_tenant_id, p_items);
  FOR v_item IN SELECT e FROM jsonb_array_elements(p_items) e LOOP
    SELECT * INTO v_intent FROM engine.intents
    WHERE tenant_id = p_tenant_id AND intent_id = (v_item ->> 'intent_id')::uuid AND kind = coalesce(p_kind, kind);
    IF NOT FOUND THEN
      v_results := v_results || '{"code": "NOT_FOUND"}'::jsonb;
      CONTINUE;
    END IF;
    IF v_intent.state = p_state THEN
      v_results := v_results || '{"code": "OK", "replay": true}'::jsonb;
    ELSIF v_intent.fencing_token IS DISTINCT FROM (v_item ->> 'fencing_token')::bigint THEN
      PERFORM engine.keep_evidence(v_intent, p_state, v_item, p_now);
      v_results := v_results || jsonb_build_object('code', 'STALE_TOKEN', 'state', v_intent.state);
    ELSIF v_intent.state NOT IN ('sending', 'in_doubt', 'needs_operator') THEN
      v_results := v_results || jsonb_build_object('code', 'ILLEGAL_TRANSITION', 'state', v_intent.state);
    ELSE
      UPDATE engine.intents SET state = p_state, updated_at = p_now,
        reason_code = v_item ->> 'exchange_code', reason = coalesce(v_item ->> 'message', v_item ->> 'reason'),
        evidence = coalesce(v_item -> 'evidence', evidence)
      WHERE tenant_id = p_tenant_id AND intent_id = v_intent.intent_id;
      v_event_id := engine.release_rest(p_tenant_id, v_intent.intent_id, coalesce(v_item ->> 'actor', 'engine'), p_now);
      INSERT INTO engine.outbox (tenant_id, event_id, profile_id, intent_id, type, payload, recorded_at)
      VALUES (p_tenant_id, coalesce(v_event_id, nextval('engine.event_ids')), v_intent.profile_id,
        v_intent.intent_id, v_intent.kind || '.' || p_state, jsonb_build_object(
          'client_order_id', v_intent.client_order_id, 'symbol', v_intent.symbol,
          'exchange_code', v_item ->> 'exchange_code',
          'reason', coalesce(v_item ->> 'message', v_item ->> 'reason')), p_now);
      v_results := v_results || '{"code": "OK", "replay": false}'::jsonb;
    END IF;
  END LOOP;
  RETURN to_jsonb(v_results);
END $$;
COMMENT ON FUNCTION engine.refuse_intents(uuid, jsonb, text, text, timestamptz) IS 'ends intents without an order';
REVOKE ALL ON FUNCTION engine.refuse_intents(uuid, jsonb, text, text, timestamptz) FROM PUBLIC;
