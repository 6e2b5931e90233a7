-- Compares what the ledger holds of a profile's orders and fills with what a pass was shown, as sets. p_part:
-- {began_at, open_symbols [symbol], trade_symbols [{symbol, since}], orders {intent_id [], exchange_order_id [],
-- status [], side [], filled_quantity [], quantity []} (columns of one length), fills [{symbol, exchange_order_id,
-- exchange_trade_id, price, quantity, exchange_time}]}. Only what was read counts: an order can be missing only in a
-- symbol of open_symbols, a trade only since its symbol's moment. Rows touched after began_at are skipped and listed;
-- to_query: skipped by the two passes before, too. Cost is linear in the orders and trades of the part.
-- Answers {compared, skipped, to_query, mismatches [{kind, key, profile_id, intent_id, symbol, exchange_order_id,
-- detail}]}. Locks nothing, writes nothing. p_lock_token NULL: a dry run.
-- Raises HF403 foreign tenant; HF404 no such profile; HF410 the reconciliation lock is not held; HF422 no began_at, no
-- such columns.
CREATE OR REPLACE FUNCTION engine.fn_compare_profile(
    p_tenant_id uuid, p_profile_id uuid, p_lock_token bigint, p_part jsonb
)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
-- sets of any size: big ones are hashed, rows of big tables found by their keys (LATERAL with LIMIT 1 leaves no
-- other way). Planned once a session: planning every call costs five times the comparing of a small profile
SET enable_seqscan = off SET enable_nestloop = off SET enable_bitmapscan = off SET enable_memoize = off
SET jit = off SET plan_cache_mode = force_generic_plan SET work_mem = '64MB'
AS $$
DECLARE
  v_profile engine.profiles;
  v_began   timestamptz := (p_part ->> 'began_at')::timestamptz;
  v_orders  engine.compared_order[];
  v_fills   engine.compared_fill[];
  v_compared bigint;
  v_skipped uuid[];
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  SELECT * INTO v_profile FROM engine.profiles WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such profile', jsonb_build_object('profile_id', p_profile_id));
  ELSIF v_began IS NULL THEN
    PERFORM engine.refuse('HF422', 'a part says when its pass began', '{"argument": "part"}');
  ELSIF p_lock_token IS NOT NULL AND NOT EXISTS (SELECT FROM engine.reconciliation_locks
      WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id AND fencing_token = p_lock_token
        AND expires_at > engine.fn_clock()) THEN
    PERFORM engine.refuse('HF410', 'the reconciliation lock is not held with this token',
                          jsonb_build_object('profile_id', p_profile_id, 'fencing_token', p_lock_token));
  END IF;
  SELECT c.orders, c.compared INTO v_orders, v_compared
    FROM engine.compared_orders(v_profile, p_part -> 'orders', v_began) c;
  v_fills := engine.compared_fills(v_profile, p_part -> 'fills', v_orders, v_began);
  v_skipped := ARRAY(SELECT intent_id FROM unnest(v_orders) WHERE touched
    UNION SELECT intent_id FROM unnest(v_fills) WHERE touched ORDER BY 1);
  RETURN jsonb_build_object('compared', v_compared + cardinality(v_fills), 'skipped', to_jsonb(v_skipped),
    'to_query', engine.skipped_before(v_profile, v_skipped),
    'mismatches', engine.order_mismatches(v_profile, v_orders, v_fills, p_part -> 'open_symbols')
      || engine.fill_mismatches(v_profile, v_fills, p_part -> 'trade_symbols', v_began));
END
$$;
COMMENT ON FUNCTION engine.fn_compare_profile IS
  'Compares a profile''s orders and fills with what a reconciliation pass was shown.';
REVOKE ALL ON FUNCTION engine.fn_compare_profile FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_compare_profile TO holdfast_engine;
