-- Opens exits: step 1 of an exit's life, for an array of at most 512, one result each in their order.
-- Like fn_open_entry, but it reserves quantity of the position instead of capital, takes no entry lock, and no
-- mode refuses it. quantity "all" is what whole lots can sell of what no other exit has reserved.
-- Locks: positions, keys (rows of intents), each sorted. Writes: positions, intents, denials, facts.
-- A denied item leaves nothing but the stored denial INSUFFICIENT_POSITION.
-- Codes: OK, REPLAY, IDEMPOTENCY_KEY_REUSED, INVALID_NUMBER, NOT_FOUND, UNKNOWN_SYMBOL, INVALID_QUANTITY,
-- INVALID_PRICE, BELOW_MIN_NOTIONAL, INSUFFICIENT_POSITION. Raises HF401, HF403, HF422.
CREATE OR REPLACE FUNCTION engine.fn_open_exit(p_tenant_id uuid, p_items jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
-- a plan made while a table was empty must not become a scan of it for the session's life
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
  v_plan engine.intent_plan[];
BEGIN
  -- a condition instead of PERFORM, which prepares an executor each time
  IF engine.enter_tenant(p_tenant_id) IS NULL OR engine.check_items(p_items) IS NULL THEN
    RETURN NULL;
  END IF;
  v_plan := engine.plan_exits(p_tenant_id, p_items, v_now);
  IF engine.wants_keys(v_plan) THEN
    v_plan := engine.judge_exits(p_tenant_id, v_plan);
    v_plan := engine.write_intents(p_tenant_id, v_plan, 'exit', v_now);
    PERFORM engine.reserve_for_exits(p_tenant_id, v_plan, v_now);
    v_plan := engine.store_denials(p_tenant_id, v_plan, ARRAY(SELECT generate_subscripts(v_plan, 1)), 'exit', v_now);
    PERFORM engine.write_sending(p_tenant_id, v_plan, 'exit', v_now);
  END IF;
  RETURN engine.open_results(p_tenant_id, v_plan);
END $$;
COMMENT ON FUNCTION engine.fn_open_exit(uuid, jsonb) IS 'opens exits: position quantity and intent before the send';
REVOKE ALL ON FUNCTION engine.fn_open_exit(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_open_exit(uuid, jsonb) TO holdfast_engine;
