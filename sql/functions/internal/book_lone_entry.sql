-- Books the fills and the end of an entry that was new with them: the position once, the capital once, and a fact for
-- each event. p_sum: the fills as one, with the price of the last and the time of the first; p_gain, p_cost: what
-- they add to the position; p_rest: what is released of the reservation, zero for an order that stays open.
-- Locks position → profile_capital; the events' ids are drawn after the hot row's lock. Writes positions,
-- profile_capital, fills, facts, and what engine.return_dust and engine.settle_dust write. Raises nothing.
CREATE OR REPLACE FUNCTION engine.book_lone_entry(
  p_order engine.orders, p_fills engine.fills[], p_sum engine.fills, p_instrument engine.instruments,
  p_spec_version integer, p_gain numeric, p_cost numeric, p_rest numeric, p_now timestamptz
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_paid numeric := p_cost + coalesce(p_sum.fee_value, 0);
  v_events integer := cardinality(p_fills) + CASE WHEN p_rest > 0 THEN 1 ELSE 0 END;
  v_held numeric := 0;
  v_confirmed bigint := nextval('engine.event_ids');  -- before what the position tells of its dust
  v_version bigint;
  v_balances numeric[];
  v_facts engine.facts[];
BEGIN
  IF cardinality(p_fills) > 0 THEN
    v_held := engine.add_to_position(p_order, p_sum, p_instrument.base_asset, p_gain, p_cost, p_spec_version);
  END IF;
  IF v_events > 0 THEN
    UPDATE engine.profile_capital SET available = available + p_rest,
      reserved_for_orders = reserved_for_orders - v_paid - p_rest,
      reserved_for_positions = reserved_for_positions + p_cost, fees = fees + v_paid - p_cost,
      version = version + v_events, updated_at = p_now
    WHERE tenant_id = p_order.tenant_id AND profile_id = p_order.profile_id
    RETURNING version - v_events, ARRAY[available - p_rest, reserved_for_orders + v_paid + p_rest,
      reserved_for_positions - p_cost, dust, trading_pnl, fees - v_paid + p_cost]
    INTO v_version, v_balances;  -- as they were
  END IF;
  v_facts := engine.lone_entry_facts(v_confirmed, p_order, p_fills, p_instrument.base_asset, p_spec_version, p_rest,
    v_version, v_balances, p_now);
  IF cardinality(p_fills) > 0 THEN
    FOR v_place IN 1 .. cardinality(p_fills) LOOP
      p_fills[v_place].event_id := v_facts[v_place + 1].event_id;
    END LOOP;
    INSERT INTO engine.fills SELECT f.* FROM unnest(p_fills) f;
  END IF;
  INSERT INTO engine.facts SELECT f.* FROM unnest(v_facts) f;
  v_held := v_held - v_held % p_instrument.lot_size;
  -- the rare case: what remains cannot be sold
  IF p_order.status <> 'open' AND (v_held = 0 OR v_held < p_instrument.min_quantity
    OR v_held * p_sum.price < p_instrument.min_notional) THEN
    PERFORM engine.settle_dust(p_order.tenant_id, p_order.intent_id, p_now);
  END IF;
END $$;
COMMENT ON FUNCTION engine.book_lone_entry(engine.orders, engine.fills[], engine.fills, engine.instruments, integer,
  numeric, numeric, numeric, timestamptz) IS 'books the fills and the end of an entry that was new with them';
REVOKE ALL ON FUNCTION engine.book_lone_entry(engine.orders, engine.fills[], engine.fills, engine.instruments, integer,
  numeric, numeric, numeric, timestamptz) FROM PUBLIC;
