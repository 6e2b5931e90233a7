-- Books a real trade of a sell that inferred fills stood for: of their part only the difference in price and
-- fee, which is TRADING_PNL's and FEES', and whole what it has beyond them. p_replaced, p_amount, p_trip_ended:
-- what engine.replace_inferred gave. A fee in base leaves the position at cost and makes the fee's value; what
-- the position does not hold came from the account's unassigned holding.
-- Locks positions, profile_capital, unassigned_holdings. Writes positions, reservations, the ledger and what
-- engine.post_correction writes. Raises nothing.
CREATE OR REPLACE FUNCTION engine.correct_exit_fill(
  p_order engine.orders, p_fill engine.fills, p_spec_version integer, p_base_asset text, p_base_fee boolean,
  p_replaced numeric, p_amount numeric, p_trip_ended boolean,
  OUT event_id bigint, OUT halted boolean, OUT fee_value numeric
)
LANGUAGE plpgsql AS $$
DECLARE
  v_position engine.positions := engine.position_to_correct(p_order, p_fill, p_spec_version, p_replaced);
  v_new numeric := p_fill.quantity - p_replaced;  -- what no inferred fill has booked
  v_removed numeric := v_new + CASE WHEN p_base_fee THEN p_fill.fee_quantity ELSE 0 END;
  v_uncovered numeric := greatest(v_removed - v_position.quantity, 0);
  v_gained numeric := p_fill.notional - p_amount;
  v_cost numeric := 0;   -- of what leaves the position now
  v_sold numeric := 0;   -- the sold part of that
  v_freed numeric;
  v_over boolean;  -- another open exit is for more than is left
BEGIN
  IF v_position.quantity > 0 THEN
    v_cost := engine.cost_share(v_position.cost, v_removed, v_position.quantity);
    v_sold := CASE WHEN p_base_fee THEN engine.cost_share(v_position.cost, v_new, v_position.quantity)
      ELSE v_cost END;
  END IF;
  fee_value := CASE WHEN p_base_fee THEN v_cost - v_sold ELSE p_fill.fee_value END;
  UPDATE engine.reservations r SET remaining = remaining - least(remaining, v_new)
  FROM (SELECT remaining AS before FROM engine.reservations
        WHERE tenant_id = p_order.tenant_id AND intent_id = p_order.intent_id) b
  WHERE r.tenant_id = p_order.tenant_id AND r.intent_id = p_order.intent_id AND v_new > 0
  RETURNING b.before - r.remaining INTO v_freed;
  UPDATE engine.positions SET quantity = quantity - v_removed + v_uncovered, cost = cost - v_cost,
    reserved_quantity = reserved_quantity - coalesce(v_freed, 0), sold_quantity = sold_quantity + v_new,
    sold_notional = greatest(sold_notional
      + CASE WHEN p_trip_ended THEN engine.cost_share(p_fill.notional, v_new, p_fill.quantity) ELSE v_gained END, 0)
  WHERE tenant_id = p_order.tenant_id AND profile_id = p_order.profile_id AND symbol = p_order.symbol
  RETURNING reserved_quantity > quantity INTO v_over;
  SELECT c.event_id, c.halted INTO event_id, halted FROM engine.post_correction(p_order, p_fill, p_spec_version,
    p_base_asset, v_position.is_dust AND v_new = 0, p_trip_ended, v_new > 0, v_uncovered,
    v_gained - CASE WHEN p_base_fee THEN 0 ELSE coalesce(fee_value, 0) END, 0, -v_cost, v_gained - v_sold,
    coalesce(fee_value, 0)) c;
  IF v_over THEN
    PERFORM engine.halt_profile(p_order.tenant_id, p_order.profile_id, p_order.intent_id,
      'open exits are for more than it holds', p_fill.recorded_at);
    halted := true;
  END IF;
END $$;
COMMENT ON FUNCTION engine.correct_exit_fill(engine.orders, engine.fills, integer, text, boolean, numeric, numeric,
  boolean) IS 'books the difference of a real sell to an inferred one';
REVOKE ALL ON FUNCTION engine.correct_exit_fill(engine.orders, engine.fills, integer, text, boolean, numeric, numeric,
  boolean) FROM PUBLIC;
