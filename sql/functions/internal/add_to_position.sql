-- Adds a buy's fill, or several as their sum, to its position: p_gain of base at p_cost. A dust remainder is taken
-- back into it first, at its cost.
-- Locks positions, profile_capital for returned dust. Writes positions and what engine.return_dust writes.
-- Returns the quantity that the position holds then. Raises nothing.
CREATE OR REPLACE FUNCTION engine.add_to_position(
  p_order engine.orders, p_fill engine.fills, p_base_asset text, p_gain numeric, p_cost numeric,
  p_spec_version integer
) RETURNS numeric
LANGUAGE plpgsql AS $$
DECLARE
  v_position engine.positions;
  v_held numeric;
BEGIN
  LOOP
    INSERT INTO engine.positions AS p (tenant_id, profile_id, symbol, account_id, base_asset, quantity, cost,
      last_fill_price, opened_at, bought_quantity, bought_notional, trip_fees, updated_at)
    VALUES (p_order.tenant_id, p_order.profile_id, p_order.symbol, p_order.account_id, p_base_asset, p_gain, p_cost,
      p_fill.price, p_fill.exchange_time, p_fill.quantity, p_fill.notional, coalesce(p_fill.fee_value, 0),
      p_fill.recorded_at)
    ON CONFLICT (tenant_id, profile_id, symbol) DO UPDATE SET quantity = p.quantity + EXCLUDED.quantity,
      cost = p.cost + EXCLUDED.cost, last_fill_price = EXCLUDED.last_fill_price,
      opened_at = coalesce(p.opened_at, EXCLUDED.opened_at),
      bought_quantity = p.bought_quantity + EXCLUDED.bought_quantity,
      bought_notional = p.bought_notional + EXCLUDED.bought_notional,
      trip_fees = p.trip_fees + EXCLUDED.trip_fees, updated_at = EXCLUDED.updated_at
    WHERE NOT p.is_dust
    RETURNING quantity INTO v_held;
    IF FOUND THEN
      RETURN v_held;
    END IF;
    SELECT * INTO v_position FROM engine.positions
    WHERE tenant_id = p_order.tenant_id AND profile_id = p_order.profile_id AND symbol = p_order.symbol;
    PERFORM engine.return_dust(v_position, p_order.intent_id, p_spec_version, p_fill.recorded_at);
  END LOOP;
END $$;
COMMENT ON FUNCTION engine.add_to_position(engine.orders, engine.fills, text, numeric, numeric, integer) IS
  'adds the fills of a buy to its position';
REVOKE ALL ON FUNCTION engine.add_to_position(engine.orders, engine.fills, text, numeric, numeric, integer)
  FROM PUBLIC;
