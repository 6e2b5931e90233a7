-- What fills come to: their sums, and what each adds to the cost of a position that grows by a buy, or takes from the
-- cost of one that shrinks by a sell. gain: the base that a buy's position gets, its fees taken off.
-- covered: the position holds what a sell takes, as itself and not as dust, and for no open exits beyond it.
-- Locks, writes and raises nothing.
CREATE OR REPLACE FUNCTION engine.weigh_fills(
  p_fills engine.fills[], p_kind text, p_base_asset text, p_position engine.positions,
  OUT quantity numeric, OUT notional numeric, OUT fees numeric, OUT gain numeric, OUT cost numeric,
  OUT costs numeric[], OUT covered boolean
)
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  v_fill engine.fills;
  v_cost numeric;
BEGIN
  quantity := 0;
  notional := 0;
  fees := 0;
  gain := 0;
  cost := 0;
  costs := '{}';
  FOREACH v_fill IN ARRAY p_fills LOOP
    IF p_kind = 'entry' THEN
      v_cost := engine.fill_cost(v_fill, p_base_asset);
      gain := gain + engine.fill_gain(v_fill, p_base_asset);
    ELSE
      v_cost := engine.cost_share(p_position.cost - cost, v_fill.quantity, p_position.quantity - quantity);
    END IF;
    quantity := quantity + v_fill.quantity;
    notional := notional + v_fill.notional;
    fees := fees + v_fill.fee_value;
    cost := cost + v_cost;
    costs := costs || v_cost;
  END LOOP;
  covered := p_kind = 'entry' OR quantity = 0 OR (NOT p_position.is_dust
    AND p_position.reserved_quantity <= p_position.quantity AND quantity <= p_position.quantity);
END $$;
COMMENT ON FUNCTION engine.weigh_fills(engine.fills[], text, text, engine.positions) IS 'what fills come to';
REVOKE ALL ON FUNCTION engine.weigh_fills(engine.fills[], text, text, engine.positions) FROM PUBLIC;
