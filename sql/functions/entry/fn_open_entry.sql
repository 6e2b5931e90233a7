-- Opens entries: step 1 of an entry's life, for an array of at most 512, one result each in their order.
-- Claims the key, judges, takes the entry lock, reserves capital and writes the intent before anything is sent.
-- Locks: keys and entry locks (both rows of intents), profile_capital (the hot row last), each sorted.
-- Writes: intents, profile_capital, facts, denials. A denied item leaves nothing but,
-- for denials by capital, limits or modes, the stored denial.
-- Codes: OK, REPLAY, IDEMPOTENCY_KEY_REUSED, INVALID_NUMBER, NOT_FOUND, UNKNOWN_SYMBOL, INVALID_QUANTITY,
-- INVALID_PRICE, BELOW_MIN_NOTIONAL, MODE_HALTED, MODE_REDUCING, LIMIT_EXCEEDED, STALE_PRICE (a collar without a
-- fresh reference; a market entry priced by another version of the spec, with the present one), ENTRY_LOCKED,
-- INSUFFICIENT_CAPITAL. Raises HF401, HF403, HF422 (no array of 1 to 512 items).
CREATE OR REPLACE FUNCTION engine.fn_open_entry(p_tenant_id uuid, p_items jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
-- a plan made while a table was empty must not become a scan of it for the session's life
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
  v_known jsonb;
  v_results jsonb[];
BEGIN
  -- one condition, which neither makes NULL, instead of PERFORM, which prepares an executor each time
  IF engine.enter_tenant(p_tenant_id) IS NOT NULL AND engine.check_items(p_items) = 1 THEN
    v_known := engine.open_lone_entry(p_tenant_id, p_items -> 0, v_now);
    IF v_known IS NOT NULL THEN
      RETURN jsonb_build_array(v_known);
    END IF;
    v_results := '{NULL}';
  ELSE
    v_results := engine.open_plain_entries(p_tenant_id, p_items, v_now);
  END IF;
  IF array_position(v_results, NULL) IS NOT NULL THEN
    v_results := engine.open_judged_entries(p_tenant_id, p_items, v_results, v_now);
  END IF;
  RETURN to_jsonb(v_results);
END $$;
COMMENT ON FUNCTION engine.fn_open_entry(uuid, jsonb) IS 'opens entries: lock, reservation and intent before the send';
REVOKE ALL ON FUNCTION engine.fn_open_entry(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_open_entry(uuid, jsonb) TO holdfast_engine;
