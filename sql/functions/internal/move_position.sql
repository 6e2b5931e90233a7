-- Moves the position of an order by its fills and its end: a buy's grows, a sell's shrinks and gets back what its
-- reservation has left. The caller holds a sell's position and has seen that it covers the fills.
-- Locks positions, profile_capital for returned dust. Writes positions and what engine.return_dust writes.
-- Returns the position as it is then; of a buy only its quantity and last price. Raises nothing.
CREATE OR REPLACE FUNCTION engine.move_position(
  p_before engine.orders, p_order engine.orders, p_fills engine.fills[], p_cost numeric, p_fees numeric,
  p_gain numeric, p_base_asset text, p_spec_version integer, p_rest numeric, p_now timestamptz
) RETURNS engine.positions
LANGUAGE plpgsql AS $$
DECLARE
  v_quantity numeric := p_order.booked_quantity - p_before.booked_quantity;
  v_notional numeric := p_order.booked_notional - p_before.booked_notional;
  v_sum engine.fills := p_fills[1];  -- the fills as one, with the time of the first and the price of the last
  v_position engine.positions;
BEGIN
  IF cardinality(p_fills) > 1 THEN
    v_sum.quantity := v_quantity;
    v_sum.notional := v_notional;
    v_sum.fee_value := p_fees;
    v_sum.price := p_fills[cardinality(p_fills)].price;
  END IF;
  IF p_order.kind = 'entry' THEN
    v_position.quantity := engine.add_to_position(p_order, v_sum, p_base_asset, p_gain, p_cost, p_spec_version);
    v_position.last_fill_price := v_sum.price;
    RETURN v_position;
  END IF;
  UPDATE engine.positions SET quantity = quantity - v_quantity, cost = cost - p_cost,
    reserved_quantity = reserved_quantity - v_quantity - p_rest,
    last_fill_price = coalesce(v_sum.price, last_fill_price), sold_quantity = sold_quantity + v_quantity,
    sold_notional = sold_notional + v_notional, trip_fees = trip_fees + p_fees,
    trip_pnl = trip_pnl + v_notional - p_cost, updated_at = p_now
  WHERE tenant_id = p_order.tenant_id AND profile_id = p_order.profile_id AND symbol = p_order.symbol
  RETURNING * INTO v_position;
  RETURN v_position;
END $$;
COMMENT ON FUNCTION engine.move_position(engine.orders, engine.orders, engine.fills[], numeric, numeric, numeric,
  text, integer, numeric, timestamptz) IS 'moves the position of an order by its fills';
REVOKE ALL ON FUNCTION engine.move_position(engine.orders, engine.orders, engine.fills[], numeric, numeric, numeric,
  text, integer, numeric, timestamptz) FROM PUBLIC;
