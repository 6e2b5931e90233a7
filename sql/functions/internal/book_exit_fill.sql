-- Books the capital side of a sell: proceeds, fee, the cost of the sold part and the profit or loss.
-- A fee in base leaves the position at cost and makes the fee's value. What the position does not hold was
-- sold from the account's unassigned holding: booked there as 'uncovered', and the profile halts. It halts too if
-- another open exit is now for more than is left: an order that was held for ended has been filled after all.
-- Locks positions, profile_capital, unassigned_holdings. Writes positions, reservations, the ledger, and
-- trade_history when nothing is held any more. Raises nothing.
CREATE OR REPLACE FUNCTION engine.book_exit_fill(
  p_order engine.orders, p_fill engine.fills, p_spec_version integer, p_base_asset text, p_base_fee boolean,
  OUT event_id bigint, OUT halted boolean, OUT fee_value numeric
)
LANGUAGE plpgsql AS $$
DECLARE
  v_position engine.positions;
  v_removed numeric := p_fill.quantity + CASE WHEN p_base_fee THEN p_fill.fee_quantity ELSE 0 END;
  v_uncovered numeric;
  v_cost numeric;   -- of what left the position
  v_sold numeric;   -- the sold part of that
  v_freed numeric;
BEGIN
  SELECT * INTO v_position FROM engine.positions
  WHERE tenant_id = p_order.tenant_id AND profile_id = p_order.profile_id AND symbol = p_order.symbol
  FOR NO KEY UPDATE;
  IF v_position.is_dust THEN
    PERFORM engine.return_dust(v_position, p_order.intent_id, p_spec_version, p_fill.recorded_at);
  END IF;
  v_uncovered := greatest(v_removed - v_position.quantity, 0);
  v_cost := engine.cost_share(v_position.cost, v_removed, v_position.quantity);
  v_sold := v_cost;
  fee_value := p_fill.fee_value;
  IF p_base_fee THEN
    v_sold := engine.cost_share(v_position.cost, p_fill.quantity, v_position.quantity);
    fee_value := v_cost - v_sold;
  END IF;
  UPDATE engine.reservations r SET remaining = remaining - least(remaining, p_fill.quantity)
  FROM (SELECT remaining AS before FROM engine.reservations
        WHERE tenant_id = p_order.tenant_id AND intent_id = p_order.intent_id) b
  WHERE r.tenant_id = p_order.tenant_id AND r.intent_id = p_order.intent_id
  RETURNING b.before - r.remaining INTO v_freed;
  UPDATE engine.positions SET quantity = quantity - v_removed + v_uncovered, cost = cost - v_cost,
    reserved_quantity = reserved_quantity - v_freed, last_fill_price = p_fill.price,
    sold_quantity = sold_quantity + p_fill.quantity, sold_notional = sold_notional + p_fill.notional,
    trip_fees = trip_fees + coalesce(fee_value, 0), trip_pnl = trip_pnl + p_fill.notional - v_sold,
    updated_at = p_fill.recorded_at
  WHERE tenant_id = p_order.tenant_id AND profile_id = p_order.profile_id AND symbol = p_order.symbol
  RETURNING * INTO v_position;
  SELECT c.event_id, c.halted INTO event_id, halted FROM engine.post_capital(p_order.tenant_id,
    p_order.profile_id, 'exit_fill', engine.fill_key(p_fill), p_order.intent_id, 'exchange', p_fill.source,
    p_fill.rate_source, p_spec_version, p_fill.exchange_time, p_fill.recorded_at,
    p_fill.notional - CASE WHEN p_base_fee THEN 0 ELSE coalesce(fee_value, 0) END, 0, -v_cost, 0,
    p_fill.notional - v_sold, coalesce(fee_value, 0)) c;
  IF v_position.quantity = 0 THEN
    PERFORM engine.close_trip(v_position, event_id, p_fill.recorded_at);
  END IF;
  IF v_uncovered > 0 OR v_position.reserved_quantity > v_position.quantity THEN
    PERFORM engine.halt_profile(p_order.tenant_id, p_order.profile_id, p_order.intent_id,
      CASE WHEN v_uncovered > 0 THEN 'sold more than it held' ELSE 'open exits are for more than it holds' END,
      p_fill.recorded_at);
    halted := true;
  END IF;
  IF v_uncovered > 0 THEN
    PERFORM engine.post_unassigned(p_order.tenant_id, p_order.account_id, p_base_asset, -v_uncovered, 'uncovered',
      engine.fill_key(p_fill) || ':uncovered', 'exchange', NULL, p_fill.recorded_at);
  END IF;
END $$;
COMMENT ON FUNCTION engine.book_exit_fill(engine.orders, engine.fills, integer, text, boolean) IS
  'books the capital side of a sell';
REVOKE ALL ON FUNCTION engine.book_exit_fill(engine.orders, engine.fills, integer, text, boolean) FROM PUBLIC;
