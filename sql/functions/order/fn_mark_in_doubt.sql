-- Records that intents were sent and their outcome is unknown: array of {intent_id, fencing_token, reason, evidence}.
-- Reservation and entry lock stay; nothing but proof releases them.
-- Locks: intents, sorted. Writes: intents, outbox; audit for a stale answer.
-- Codes: OK {replay}, NOT_FOUND, STALE_TOKEN, ILLEGAL_TRANSITION. Raises HF401, HF403, HF422.
CREATE OR REPLACE FUNCTION engine.fn_mark_in_doubt(p_tenant_id uuid, p_items jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
-- a plan made while a table was empty must not become a scan of it for the session's life
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
  v_results jsonb[];
  v_item jsonb;
  v_intent engine.intents;
BEGIN
  -- a condition instead of PERFORM, which prepares an executor each time
  IF engine.enter_tenant(p_tenant_id) IS NULL OR engine.check_items(p_items) IS NULL THEN
    RETURN NULL;
  END IF;
  PERFORM FROM engine.intents WHERE tenant_id = p_tenant_id
    AND intent_id = ANY (ARRAY(SELECT (e ->> 'intent_id')::uuid FROM jsonb_array_elements(p_items) e))
  ORDER BY intent_id FOR NO KEY UPDATE;
  FOR v_item IN SELECT e FROM jsonb_array_elements(p_items) e LOOP
    SELECT * INTO v_intent FROM engine.intents
    WHERE tenant_id = p_tenant_id AND intent_id = (v_item ->> 'intent_id')::uuid;
    IF NOT FOUND THEN
      v_results := v_results || '{"code": "NOT_FOUND"}'::jsonb;
    ELSIF v_intent.state = 'in_doubt' THEN
      v_results := v_results || '{"code": "OK", "replay": true}'::jsonb;
    ELSIF v_intent.fencing_token IS DISTINCT FROM (v_item ->> 'fencing_token')::bigint THEN
      PERFORM engine.keep_evidence(v_intent, 'in_doubt', v_item, v_now);
      v_results := v_results || jsonb_build_object('code', 'STALE_TOKEN', 'state', v_intent.state);
    ELSIF v_intent.state <> 'sending' THEN
      v_results := v_results || jsonb_build_object('code', 'ILLEGAL_TRANSITION', 'state', v_intent.state);
    ELSE
      UPDATE engine.intents SET state = 'in_doubt', reason = v_item ->> 'reason', updated_at = v_now,
        evidence = coalesce(v_item -> 'evidence', evidence)
      WHERE tenant_id = p_tenant_id AND intent_id = v_intent.intent_id;
      INSERT INTO engine.outbox (tenant_id, event_id, profile_id, intent_id, type, payload, recorded_at)
      VALUES (p_tenant_id, nextval('engine.event_ids'), v_intent.profile_id, v_intent.intent_id,
        'intent.in_doubt', jsonb_build_object('client_order_id', v_intent.client_order_id,
          'symbol', v_intent.symbol, 'reason', v_item ->> 'reason'), v_now);
      v_results := v_results || '{"code": "OK", "replay": false}'::jsonb;
    END IF;
  END LOOP;
  RETURN to_jsonb(v_results);
END $$;
COMMENT ON FUNCTION engine.fn_mark_in_doubt(uuid, jsonb) IS 'records that the outcome of a send is unknown';
REVOKE ALL ON FUNCTION engine.fn_mark_in_doubt(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_mark_in_doubt(uuid, jsonb) TO holdfast_engine;
