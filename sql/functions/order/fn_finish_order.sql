-- Records that the exchange ended orders: an array of at most 512 of {intent_id | account_id, symbol,
-- exchange_order_id; status, filled_quantity, exchange_time, evidence}, one result each in their order.
-- Locks: orders → positions → profile_capital, each sorted. Writes orders, reservations, positions, the ledger,
-- trade_history, outbox. Codes: OK (order_status; fills_missing while fills are awaited; replay), NOT_FOUND,
-- ILLEGAL_TRANSITION. Raises HF401, HF403, HF422.
CREATE OR REPLACE FUNCTION engine.fn_finish_order(p_tenant_id uuid, p_items jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
-- a plan made while a table was empty must not become a scan of it for the session's life
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
  v_intents uuid[];
  v_results jsonb[];
  v_item jsonb;
BEGIN
  -- a condition instead of PERFORM, which prepares an executor each time
  IF engine.enter_tenant(p_tenant_id) IS NULL OR engine.check_items(p_items) IS NULL THEN
    RETURN NULL;
  END IF;
  v_intents := engine.find_orders(p_tenant_id, p_items);
  PERFORM engine.lock_orders(p_tenant_id, v_intents);
  FOR v_place IN 1 .. cardinality(v_intents) LOOP
    v_item := p_items -> (v_place - 1);
    IF v_intents[v_place] IS NULL THEN
      v_results[v_place] := '{"code": "NOT_FOUND"}';
    ELSE
      v_results[v_place] := engine.report_end(p_tenant_id, v_intents[v_place], v_item ->> 'status',
        engine.exact_number(v_item ->> 'filled_quantity', 'filled_quantity', false),
        (v_item ->> 'exchange_time')::timestamptz, v_now);
    END IF;
  END LOOP;
  RETURN to_jsonb(v_results);
END $$;
COMMENT ON FUNCTION engine.fn_finish_order(uuid, jsonb) IS 'records that the exchange ended orders';
REVOKE ALL ON FUNCTION engine.fn_finish_order(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_finish_order(uuid, jsonb) TO holdfast_engine;
