-- Books fills that the exchange reported: an array of at most 512 of {account_id, symbol, exchange_order_id,
-- exchange_trade_id, client_order_id, side, price, quantity, fee_quantity, fee_asset, fee_rate, rate_source,
-- maker, exchange_time, source, inferred}. A fill is never refused: an order known by its client order id only
-- is confirmed first, in this transaction; one not known at all parks its fill.
-- Locks: intents → orders → positions → profile_capital → unassigned, each sorted.
-- Writes: what persist writes, and unmatched_fills.
-- Codes: OK {event_id, order_status, halted, false_absence}, DUPLICATE {event_id}, PARKED. Raises HF401, HF403, HF422.
CREATE OR REPLACE FUNCTION engine.fn_apply_fill(p_tenant_id uuid, p_items jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
-- a plan made while a table was empty must not become a scan of it for the session's life
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
  v_intents uuid[];
  v_absent uuid[];
  v_results jsonb[];
BEGIN
  -- a condition instead of PERFORM, which prepares an executor each time
  IF engine.enter_tenant(p_tenant_id) IS NULL OR engine.check_items(p_items) IS NULL THEN
    RETURN NULL;
  END IF;
  v_intents := engine.find_orders(p_tenant_id, p_items);
  IF array_position(v_intents, NULL) IS NOT NULL THEN
    v_absent := ARRAY(SELECT l.intent_id FROM (
      SELECT i.intent_id, i.state FROM engine.intents i WHERE i.tenant_id = p_tenant_id
        AND i.client_order_id = ANY (ARRAY(SELECT e ->> 'client_order_id' FROM jsonb_array_elements(p_items) e))
      ORDER BY i.intent_id FOR NO KEY UPDATE) l WHERE l.state IN ('rejected', 'not_placed'));
    v_intents := engine.confirm_by_client_order_id(p_tenant_id, p_items, v_intents, v_now);
  END IF;
  PERFORM engine.lock_orders(p_tenant_id, v_intents);
  FOR v_place IN 1 .. cardinality(v_intents) LOOP
    IF v_intents[v_place] IS NULL THEN
      v_results[v_place] := engine.park_fill(p_tenant_id, p_items -> (v_place - 1), v_now);
    ELSE
      v_results[v_place] := engine.book_fill(p_tenant_id, v_intents[v_place], p_items -> (v_place - 1), v_now);
      IF v_intents[v_place] = ANY (v_absent) THEN  -- it was held for absent: told once
        v_results[v_place] := v_results[v_place] || '{"false_absence": true}';
        v_absent := array_remove(v_absent, v_intents[v_place]);
      END IF;
    END IF;
  END LOOP;
  PERFORM engine.drain_unmatched(p_tenant_id, v_intents, v_now);
  RETURN to_jsonb(v_results);
END $$;
COMMENT ON FUNCTION engine.fn_apply_fill(uuid, jsonb) IS 'books fills that the exchange reported';
REVOKE ALL ON FUNCTION engine.fn_apply_fill(uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_apply_fill(uuid, jsonb) TO holdfast_engine;
