-- Books a real trade of a buy that inferred fills stood for: of their part only the difference in price and
-- fee, and whole what it has beyond them. The difference goes to the position for the share it still holds, the
-- rest to TRADING_PNL; the reservation, then AVAILABLE, pays it or gets it back. p_replaced, p_amount, p_held,
-- p_trip_ended: what engine.replace_inferred gave. A fee in base that the position does not hold any more came
-- from the account's unassigned holding.
-- Locks positions, profile_capital, unassigned_holdings. Writes positions, reservations, the ledger and what
-- engine.post_correction writes. Raises nothing.
CREATE OR REPLACE FUNCTION engine.correct_entry_fill(
  p_order engine.orders, p_fill engine.fills, p_spec_version integer, p_base_asset text, p_base_fee boolean,
  p_replaced numeric, p_amount numeric, p_held numeric, p_trip_ended boolean,
  OUT event_id bigint, OUT halted boolean
)
LANGUAGE plpgsql AS $$
DECLARE
  v_position engine.positions := engine.position_to_correct(p_order, p_fill, p_spec_version, p_replaced);
  v_new numeric := p_fill.quantity - p_replaced;  -- what no inferred fill has booked
  v_value numeric := coalesce(p_fill.fee_value, 0);
  v_cost numeric := p_fill.notional - CASE WHEN p_base_fee THEN v_value ELSE 0 END;
  v_gain numeric := v_new - CASE WHEN p_base_fee THEN p_fill.fee_quantity ELSE 0 END;
  v_new_cost numeric := engine.cost_share(v_cost, v_new, p_fill.quantity);
  v_difference numeric := v_cost - v_new_cost - p_amount;
  v_kept numeric;  -- what of the difference is the position's
  v_total numeric := v_cost + v_value - p_amount;
  v_paid numeric;
  v_uncovered numeric := greatest(-(v_position.quantity + v_gain), 0);
BEGIN
  v_kept := CASE WHEN v_position.quantity + v_gain <= 0 THEN -v_position.cost - v_new_cost
    ELSE greatest(round(v_difference * p_held / p_replaced, 18), -v_position.cost - v_new_cost) END;
  SELECT CASE WHEN r.released_at IS NULL
    THEN least(r.remaining, greatest(v_total, r.remaining - r.amount)) ELSE 0 END
  INTO v_paid FROM engine.reservations r
  WHERE r.tenant_id = p_order.tenant_id AND r.intent_id = p_order.intent_id;
  v_paid := coalesce(v_paid, 0);
  IF v_paid <> 0 THEN
    UPDATE engine.reservations SET remaining = remaining - v_paid
    WHERE tenant_id = p_order.tenant_id AND intent_id = p_order.intent_id;
  END IF;
  UPDATE engine.positions SET quantity = quantity + v_gain + v_uncovered, cost = cost + v_new_cost + v_kept,
    opened_at = CASE WHEN v_new > 0 THEN coalesce(opened_at, p_fill.exchange_time) ELSE opened_at END,
    bought_quantity = bought_quantity + v_new, bought_notional = greatest(bought_notional
      + CASE WHEN p_trip_ended THEN engine.cost_share(p_fill.notional, v_new, p_fill.quantity)
        ELSE p_fill.notional - p_amount END, 0)
  WHERE tenant_id = p_order.tenant_id AND profile_id = p_order.profile_id AND symbol = p_order.symbol;
  SELECT c.event_id, c.halted INTO event_id, halted FROM engine.post_correction(p_order, p_fill, p_spec_version,
    p_base_asset, v_position.is_dust AND v_new = 0, p_trip_ended, v_new > 0, v_uncovered, v_paid - v_total,
    -v_paid, v_new_cost + v_kept, v_kept - v_difference, v_value) c;
END $$;
COMMENT ON FUNCTION engine.correct_entry_fill(engine.orders, engine.fills, integer, text, boolean, numeric, numeric,
  numeric, boolean) IS 'books the difference of a real buy to an inferred one';
REVOKE ALL ON FUNCTION engine.correct_entry_fill(engine.orders, engine.fills, integer, text, boolean, numeric,
  numeric, numeric, boolean) FROM PUBLIC;
