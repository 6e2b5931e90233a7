-- Ends a position's round trip: writes it to trade_history under the event that ended it, and clears it.
-- Locks nothing new (the caller holds the position). Writes trade_history, positions. Raises nothing.
CREATE OR REPLACE FUNCTION engine.close_trip(p_position engine.positions, p_event_id bigint, p_now timestamptz)
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF p_position.opened_at IS NULL THEN
    RETURN;  -- it was never opened: a sell of what the profile did not hold
  END IF;
  INSERT INTO engine.trade_history (tenant_id, event_id, profile_id, symbol, bought_quantity, bought_notional,
    sold_quantity, sold_notional, fees, trading_pnl, dust_quantity, dust_cost, opened_at, closed_at)
  VALUES (p_position.tenant_id, p_event_id, p_position.profile_id, p_position.symbol,
    p_position.bought_quantity, p_position.bought_notional, p_position.sold_quantity, p_position.sold_notional,
    p_position.trip_fees, p_position.trip_pnl, p_position.quantity, p_position.cost, p_position.opened_at, p_now);
  UPDATE engine.positions SET opened_at = NULL, bought_quantity = 0, bought_notional = 0, sold_quantity = 0,
    sold_notional = 0, trip_fees = 0, trip_pnl = 0
  WHERE tenant_id = p_position.tenant_id AND profile_id = p_position.profile_id AND symbol = p_position.symbol;
END $$;
COMMENT ON FUNCTION engine.close_trip(engine.positions, bigint, timestamptz) IS 'ends a round trip';
REVOKE ALL ON FUNCTION engine.close_trip(engine.positions, bigint, timestamptz) FROM PUBLIC;
