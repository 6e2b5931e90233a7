-- Books the parked fills of an account whose orders the ledger knows by now. A fill that is parked in the moment
-- in which its order is confirmed is seen by neither transaction; so each poll and each pass asks again, which
-- costs one look at an empty index where nothing is parked. At most 512 fills a call, the oldest first.
-- Locks: intents → orders → positions → profile_capital → unassigned, each sorted.
-- Writes what fn_apply_fill writes. Returns {known: how many it took up, left: how many wait on}.
-- Raises HF401, HF403, HF422.
CREATE OR REPLACE FUNCTION engine.fn_drain_unmatched(p_tenant_id uuid, p_account_id uuid) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
-- a plan made while a table was empty must not become a scan of it for the session's life
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
  v_items jsonb;
  v_intents uuid[];
  v_left bigint;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  SELECT jsonb_agg(u.fill ORDER BY u.received_at, u.exchange_order_id, u.exchange_trade_id) INTO v_items
  FROM (SELECT u.* FROM engine.unmatched_fills u
        WHERE u.tenant_id = p_tenant_id AND u.account_id = p_account_id
          AND (EXISTS (SELECT FROM engine.orders o
                WHERE o.tenant_id = p_tenant_id AND o.account_id = p_account_id AND o.symbol = u.symbol
                  AND o.exchange_order_id = u.exchange_order_id)
            OR EXISTS (SELECT FROM engine.intents t
                WHERE t.tenant_id = p_tenant_id AND t.client_order_id = u.fill ->> 'client_order_id'
                  AND t.account_id = p_account_id AND t.symbol = u.symbol))
        ORDER BY u.received_at, u.exchange_order_id, u.exchange_trade_id LIMIT 512) u;
  IF v_items IS NOT NULL THEN
    v_intents := engine.find_orders(p_tenant_id, v_items);
    IF array_position(v_intents, NULL) IS NOT NULL THEN
      v_intents := engine.confirm_by_client_order_id(p_tenant_id, v_items, v_intents, v_now);
    END IF;
    v_intents := ARRAY(SELECT DISTINCT i FROM unnest(v_intents) i WHERE i IS NOT NULL ORDER BY i);
    PERFORM engine.lock_orders(p_tenant_id, v_intents);
    PERFORM engine.drain_unmatched(p_tenant_id, v_intents, v_now);
  END IF;
  SELECT count(*) INTO v_left FROM engine.unmatched_fills
  WHERE tenant_id = p_tenant_id AND account_id = p_account_id;
  RETURN jsonb_build_object('known', coalesce(jsonb_array_length(v_items), 0), 'left', v_left);
END $$;
COMMENT ON FUNCTION engine.fn_drain_unmatched(uuid, uuid) IS 'books parked fills of orders that are known by now';
REVOKE ALL ON FUNCTION engine.fn_drain_unmatched(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_drain_unmatched(uuid, uuid) TO holdfast_engine;
