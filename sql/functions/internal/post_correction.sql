-- Posts the event of a correction, if it moves anything, and gives its profit and fee to the round trip they
-- belong to: the open one, or a row of trade_history by itself where that has ended. p_dust: the cost lies in DUST.
-- p_uncovered: base that the position did not hold; it was the account's, and the profile halts.
-- The figures are changes of the balances, each in its own normal sense; p_cost is of the position.
-- Locks profile_capital, unassigned_holdings (the caller holds the position). Writes positions, the ledger,
-- trade_history, unassigned, outbox for a halt. Raises nothing.
CREATE OR REPLACE FUNCTION engine.post_correction(
  p_order engine.orders, p_fill engine.fills, p_spec_version integer, p_base_asset text, p_dust boolean,
  p_trip_ended boolean, p_has_new boolean, p_uncovered numeric, p_available numeric, p_orders numeric,
  p_cost numeric, p_pnl numeric, p_fees numeric, OUT event_id bigint, OUT halted boolean
)
LANGUAGE plpgsql AS $$
DECLARE
  v_position engine.positions;
  v_ended boolean;
BEGIN
  UPDATE engine.positions SET is_dust = is_dust AND quantity > 0, updated_at = p_fill.recorded_at,
    last_fill_price = CASE WHEN p_has_new THEN p_fill.price ELSE last_fill_price END
  WHERE tenant_id = p_order.tenant_id AND profile_id = p_order.profile_id AND symbol = p_order.symbol
  RETURNING * INTO v_position;
  halted := false;
  IF (p_available, p_orders, p_cost, p_pnl, p_fees) = (0, 0, 0, 0, 0) THEN
    event_id := nextval('engine.event_ids');  -- an economic event moves something
  ELSE
    SELECT c.event_id, c.halted INTO event_id, halted FROM engine.post_capital(p_order.tenant_id,
      p_order.profile_id, 'fill_correction', engine.fill_key(p_fill), p_order.intent_id, 'exchange', p_fill.source,
      p_fill.rate_source, p_spec_version, p_fill.exchange_time, p_fill.recorded_at, p_available, p_orders,
      CASE WHEN p_dust THEN 0 ELSE p_cost END, CASE WHEN p_dust THEN p_cost ELSE 0 END, p_pnl, p_fees) c;
  END IF;
  v_ended := p_trip_ended OR v_position.opened_at IS NULL;
  IF v_ended AND (p_pnl <> 0 OR p_fees <> 0) THEN
    INSERT INTO engine.trade_history (tenant_id, event_id, profile_id, symbol, bought_quantity, bought_notional,
      sold_quantity, sold_notional, fees, trading_pnl, dust_quantity, dust_cost, opened_at, closed_at)
    VALUES (p_order.tenant_id, event_id, p_order.profile_id, p_order.symbol, 0, 0, 0, 0, p_fees, p_pnl, 0, 0,
      p_fill.exchange_time, p_fill.recorded_at);
  ELSIF NOT v_ended THEN
    UPDATE engine.positions SET trip_fees = trip_fees + p_fees, trip_pnl = trip_pnl + p_pnl
    WHERE tenant_id = p_order.tenant_id AND profile_id = p_order.profile_id AND symbol = p_order.symbol
    RETURNING * INTO v_position;
  END IF;
  IF v_position.quantity = 0 AND v_position.opened_at IS NOT NULL THEN
    PERFORM engine.close_trip(v_position, CASE WHEN v_ended THEN nextval('engine.event_ids') ELSE event_id END,
      p_fill.recorded_at);
  END IF;
  IF p_uncovered > 0 THEN
    PERFORM engine.halt_profile(p_order.tenant_id, p_order.profile_id, p_order.intent_id,
      'sold more than it held', p_fill.recorded_at);
    halted := true;
    PERFORM engine.post_unassigned(p_order.tenant_id, p_order.account_id, p_base_asset, -p_uncovered, 'uncovered',
      engine.fill_key(p_fill) || ':uncovered', 'exchange', NULL, p_fill.recorded_at);
  END IF;
END $$;
COMMENT ON FUNCTION engine.post_correction(engine.orders, engine.fills, integer, text, boolean, boolean, boolean,
  numeric, numeric, numeric, numeric, numeric, numeric) IS 'posts the event of a correction';
REVOKE ALL ON FUNCTION engine.post_correction(engine.orders, engine.fills, integer, text, boolean, boolean, boolean,
  numeric, numeric, numeric, numeric, numeric, numeric) FROM PUBLIC;
