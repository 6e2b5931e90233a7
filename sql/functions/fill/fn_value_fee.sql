-- Values fees in a third asset that were booked unvalued: array of {account_id, symbol, exchange_order_id,
-- exchange_trade_id, fee_rate, rate_source}, the rate being quote per unit of the fee's asset at the fill's time.
-- Its own event; the reservation of a buy pays it, then AVAILABLE. The last one of an ended order releases the rest.
-- Locks: orders → positions → profile_capital → unassigned_holdings, each sorted. Writes fills (valuation columns
-- only), orders, positions, reservations, the ledger, unassigned, outbox.
-- Codes: OK {event_id, fee_value, order_status}, DUPLICATE (it is valued), NOT_FOUND.
-- Raises HF401, HF403, HF422.
CREATE OR REPLACE FUNCTION engine.fn_value_fee(p_tenant_id uuid, p_items jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
-- a plan made while a table was empty must not become a scan of it for the session's life
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
  v_intents uuid[];
  v_results jsonb[];
BEGIN
  -- a condition instead of PERFORM, which prepares an executor each time
  IF engine.enter_tenant(p_tenant_id) IS NULL OR engine.check_items(p_items) IS NULL THEN
    RETURN NULL;
  END IF;
  v_intents := engine.find_orders(p_tenant_id, p_items);
  PERFORM engine.lock_orders(p_tenant_id, v_intents);
  FOR v_place IN 1 .. cardinality(v_intents) LOOP
    v_results[v_place] := coalesce(
      engine.value_fee(p_tenant_id, v_intents[v_place], p_items -> (v_place - 1), v_now), '{"code": "NOT_FOUND"}');
  END LOOP;
  RETURN to_jsonb(v_results);
END $$;
COMMENT ON FUNCTION engine.fn_value_fee(uuid, jsonb) IS 'values fees in a third asset';
REVOKE ALL ON FUNCTION engine.fn_value_fee(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_value_fee(uuid, jsonb) TO holdfast_engine;
