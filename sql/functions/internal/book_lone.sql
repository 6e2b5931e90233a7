-- Books fills of one order, and its end if they ended it: the position once, the capital once, and a fact for each
-- event. p_before: the order without them, its status NULL if it is new with them, which is a fact as well; p_costs,
-- p_cost, p_fees, p_gain: what engine.weigh_fills made of them; p_rest: what the end releases of the reservation, zero
-- for an order that stays open.
-- Locks position → profile_capital; the events' ids are drawn after the hot row's lock. Writes positions,
-- profile_capital, fills, facts, and what engine.return_dust, close_trip and settle_dust write.
-- Returns the event id of the last fill, zero for none. Raises nothing.
CREATE OR REPLACE FUNCTION engine.book_lone(
  p_before engine.orders, p_order engine.orders, p_fills engine.fills[], p_costs numeric[], p_cost numeric,
  p_fees numeric, p_gain numeric, p_instrument engine.instruments, p_spec_version integer, p_rest numeric,
  p_now timestamptz
) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  v_count integer := cardinality(p_fills);
  v_buys boolean := p_order.kind = 'entry';
  v_released numeric := CASE WHEN v_buys THEN p_rest ELSE 0 END;
  v_events integer := v_count + CASE WHEN v_released > 0 THEN 1 ELSE 0 END;
  v_notional numeric := p_order.booked_notional - p_before.booked_notional;
  -- before what the position tells of its dust
  v_confirmed bigint := CASE WHEN p_before.status IS NULL THEN nextval('engine.event_ids') END;
  v_position engine.positions;
  v_changes numeric[];
  v_version bigint;
  v_balances numeric[];
  v_facts engine.facts[];
BEGIN
  IF v_count > 0 OR NOT v_buys AND p_rest > 0 THEN
    v_position := engine.move_position(p_before, p_order, p_fills, p_cost, p_fees, p_gain, p_instrument.base_asset,
      p_spec_version, p_rest, p_now);
  END IF;
  IF v_events > 0 THEN
    v_changes := CASE WHEN v_buys THEN ARRAY[p_rest, -p_cost - p_fees - p_rest, p_cost, 0, p_fees]
      ELSE ARRAY[v_notional - p_fees, 0, -p_cost, v_notional - p_cost, p_fees] END;
    UPDATE engine.profile_capital SET available = available + v_changes[1],
      reserved_for_orders = reserved_for_orders + v_changes[2],
      reserved_for_positions = reserved_for_positions + v_changes[3], trading_pnl = trading_pnl + v_changes[4],
      fees = fees + v_changes[5], version = version + v_events, updated_at = p_now,
      mode = CASE WHEN available + v_changes[1] < 0 THEN 'halted' ELSE mode END,
      mode_reason = CASE WHEN available + v_changes[1] < 0 AND mode <> 'halted' THEN 'available below zero'
        ELSE mode_reason END
    WHERE tenant_id = p_order.tenant_id AND profile_id = p_order.profile_id
    RETURNING version - v_events, ARRAY[available - v_changes[1], reserved_for_orders - v_changes[2],
      reserved_for_positions - v_changes[3], dust, trading_pnl - v_changes[4], fees - v_changes[5]]
    INTO v_version, v_balances;  -- as they were
  END IF;
  v_facts := engine.lone_facts(v_confirmed, p_before, p_order, p_fills, p_costs, p_spec_version, v_released,
    v_version, v_balances, p_now);
  IF v_count > 0 THEN
    FOR v_place IN 1 .. v_count LOOP
      p_fills[v_place].event_id := v_facts[v_place + CASE WHEN v_confirmed IS NULL THEN 0 ELSE 1 END].event_id;
    END LOOP;
    INSERT INTO engine.fills SELECT f.* FROM unnest(p_fills) f;
  END IF;
  INSERT INTO engine.facts SELECT f.* FROM unnest(v_facts) f;
  IF v_position.quantity = 0 AND v_count > 0 THEN
    PERFORM engine.close_trip(v_position, p_fills[v_count].event_id, p_now);
  ELSIF p_order.status <> 'open' AND engine.can_be_sold(v_position.quantity, v_position.last_fill_price,
      p_instrument.lot_size, p_instrument.min_quantity, p_instrument.min_notional) IS NOT TRUE THEN
    PERFORM engine.settle_dust(p_order.tenant_id, p_order.intent_id, p_now);
  END IF;
  RETURN coalesce(p_fills[v_count].event_id, 0);
END $$;
COMMENT ON FUNCTION engine.book_lone(engine.orders, engine.orders, engine.fills[], numeric[], numeric, numeric,
  numeric, engine.instruments, integer, numeric, timestamptz) IS
  'books fills of one order, and its end';
REVOKE ALL ON FUNCTION engine.book_lone(engine.orders, engine.orders, engine.fills[], numeric[], numeric, numeric,
  numeric, engine.instruments, integer, numeric, timestamptz) FROM PUBLIC;
