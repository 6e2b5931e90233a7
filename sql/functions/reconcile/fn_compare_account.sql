-- Explains what moved an exchange account beside its profiles, then compares the account's equations. p_part:
-- {began_at, cursors_same, balances {asset: total} or null, own_orders and foreign_orders [{symbol, exchange_order_id,
-- client_order_id, side, status, quantity, filled_quantity, price}], foreign_fills [{symbol, exchange_order_id,
-- exchange_trade_id, client_order_id, side, price, quantity, fee_quantity, fee_asset, maker, exchange_time}],
-- transfers [{id, kind, asset, quantity, fee, at}]}. A foreign fill or a transfer is booked on the unassigned holding
-- once; one that turned out to be ours is taken back. Answers {mismatches, explained, equations: compared or why not,
-- mode {before, after}, halted [profile_id], postponed}. Less at the exchange than the ledger says, profiles that hold
-- more than there is, or an order with our tag that nobody knows: the account takes no entries (reducing) until a
-- later comparison is clean. Profiles whose asset a foreign order sold are halted. A dry run writes nothing.
-- Locks the lease row FOR SHARE, foreign_fills, profile_capital (for a halt), unassigned_holdings, the account.
-- Writes foreign_fills, unmatched_fills, unassigned_holdings and _events, profile_capital, exchange_accounts, outbox.
-- Raises HF403 foreign tenant; HF404 no such account; HF410 the lease is not held; HF422 no began_at.
CREATE OR REPLACE FUNCTION engine.fn_compare_account(
    p_tenant_id uuid, p_account_id uuid, p_lease_token bigint, p_dry_run boolean, p_part jsonb
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
-- as in fn_compare_profile: sets are hashed, rows of big tables found by their keys
SET enable_seqscan = off SET enable_nestloop = off SET enable_bitmapscan = off SET enable_memoize = off
SET jit = off SET plan_cache_mode = force_generic_plan SET work_mem = '64MB'
AS $$
DECLARE
  v_now       timestamptz := engine.fn_clock();
  v_began     timestamptz := (p_part ->> 'began_at')::timestamptz;
  v_account   engine.exchange_accounts;
  v_fills     engine.foreign_fills[];
  v_ours      engine.foreign_fills[];
  v_postponed engine.foreign_fills[];
  v_transfers engine.foreign_move[];
  v_moves     engine.foreign_move[];
  v_halted    uuid[];
  v_orders    jsonb;
  v_equations jsonb;
  v_mode      text;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  PERFORM engine.require_account(p_tenant_id, p_account_id);
  IF p_dry_run IS NOT TRUE OR p_lease_token IS NOT NULL THEN
    PERFORM engine.require_lease(p_tenant_id, p_account_id, p_lease_token, v_now);
  END IF;
  IF v_began IS NULL THEN
    PERFORM engine.refuse('HF422', 'a part says when its pass began', '{"argument": "part"}');
  END IF;
  SELECT * INTO v_account FROM engine.exchange_accounts
    WHERE tenant_id = p_tenant_id AND account_id = p_account_id;
  v_fills := engine.new_foreign_fills(v_account, p_part, v_now);
  v_postponed := ARRAY(SELECT f FROM unnest(v_fills) f WHERE f.recorded_at IS NULL);
  v_fills := ARRAY(SELECT f FROM unnest(v_fills) f WHERE f.recorded_at IS NOT NULL);
  v_ours := engine.foreign_fills_of_ours(v_account);
  v_transfers := engine.transfer_moves(v_account, p_part -> 'transfers');
  v_moves := v_transfers || engine.fill_moves(v_fills, false) || engine.fill_moves(v_ours, true);
  v_halted := engine.profiles_sold_out(v_account, v_fills, v_moves, p_dry_run, v_now);
  IF p_dry_run IS NOT TRUE THEN
    PERFORM engine.keep_foreign_fills(v_account, v_fills, v_ours, v_now);
    PERFORM engine.move_holdings(v_account, v_moves, v_now);
    v_moves := NULL;
  END IF;
  v_orders := engine.unknown_orders(v_account, p_part);
  v_equations := engine.compare_equations(v_account, p_part, v_moves, cardinality(v_postponed) > 0);
  v_orders := jsonb_set(v_orders, '{mismatches}', (v_orders -> 'mismatches') || (v_equations -> 'mismatches')
    || engine.foreign_view(v_postponed, 'unattributed_fill'));
  v_mode := engine.set_mode_by_pass(v_account, v_orders -> 'mismatches', v_equations ->> 'state' = 'compared',
                                    p_dry_run, v_now);
  RETURN jsonb_build_object('mismatches', v_orders -> 'mismatches', 'explained', (v_orders -> 'explained')
      || engine.foreign_view(v_fills, 'foreign_fill') || engine.foreign_view(v_ours, 'foreign_fill_returned')
      || engine.transfers_view(v_transfers),
    'equations', v_equations ->> 'state', 'mode', jsonb_build_object('before', v_account.mode, 'after', v_mode),
    'halted', to_jsonb(v_halted), 'postponed', cardinality(v_postponed));
END
$$;
COMMENT ON FUNCTION engine.fn_compare_account IS
  'Books what moved an account beside its profiles and compares its equations with the exchange''s balances.';
REVOKE ALL ON FUNCTION engine.fn_compare_account FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_compare_account TO holdfast_engine;
