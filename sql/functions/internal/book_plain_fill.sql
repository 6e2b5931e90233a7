-- Books one fill of an open order in as few statements as its facts have tables, and the end it may bring. What is not
-- plain - an order that has ended or whose end waits for fills, inferred fills or unvalued fees on it, a fill that
-- engine.plain_fills leaves, more than the reservation or the position covers - is left, with no trace, to the
-- functions for everything, which come to the same rows.
-- Locks: position → profile_capital (the caller holds the order). Writes intents, orders and what engine.book_lone
-- writes. Returns code OK with event_id, order_status and halted, or NULL: not booked. Raises nothing.
CREATE OR REPLACE FUNCTION engine.book_plain_fill(p_order engine.orders, p_item jsonb, p_now timestamptz) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  v_order engine.orders := p_order;
  v_instrument engine.instruments;
  v_position engine.positions;  -- of an exit
  v_spec_version integer;
  v_rest numeric;  -- of the reservation
  v_fills engine.fills[];
  v_sum record;
  v_complete boolean;
  v_event bigint;
BEGIN
  IF p_order.status <> 'open' OR p_order.reported_status IS NOT NULL OR p_order.inferred_quantity <> 0
    OR p_order.unvalued_fees <> 0 THEN
    RETURN NULL;
  END IF;
  SELECT i.spec_version, i.reserved_remaining, u.base_asset, u.quote_asset, u.lot_size, u.min_quantity, u.min_notional
  INTO v_spec_version, v_rest, v_instrument.base_asset, v_instrument.quote_asset, v_instrument.lot_size,
    v_instrument.min_quantity, v_instrument.min_notional
  FROM engine.intents i, engine.instruments u
  WHERE i.tenant_id = p_order.tenant_id AND i.intent_id = p_order.intent_id
    AND u.tenant_id = p_order.tenant_id AND u.account_id = p_order.account_id AND u.symbol = p_order.symbol;
  v_fills := engine.plain_fills(p_order, jsonb_build_array(p_item), v_instrument.base_asset, v_instrument.quote_asset,
    p_now);
  IF v_fills IS NULL THEN
    RETURN NULL;
  ELSIF p_order.kind = 'exit' THEN
    SELECT * INTO v_position FROM engine.positions
    WHERE tenant_id = p_order.tenant_id AND profile_id = p_order.profile_id AND symbol = p_order.symbol
    FOR NO KEY UPDATE;
  END IF;
  v_sum := engine.weigh_fills(v_fills, p_order.kind, v_instrument.base_asset, v_position);
  v_rest := v_rest - CASE p_order.kind WHEN 'entry' THEN v_sum.cost + v_sum.fees ELSE v_sum.quantity END;
  IF (v_sum.covered AND v_rest >= 0) IS NOT TRUE THEN
    RETURN NULL;
  END IF;
  v_complete := p_order.booked_quantity + v_sum.quantity >= p_order.quantity;
  UPDATE engine.intents SET reserved_remaining = CASE WHEN v_complete THEN 0 ELSE v_rest END,
    released_at = CASE WHEN v_complete THEN p_now END
  WHERE tenant_id = p_order.tenant_id AND intent_id = p_order.intent_id;
  UPDATE engine.orders SET booked_quantity = booked_quantity + v_sum.quantity,
    booked_notional = booked_notional + v_sum.notional,
    filled_quantity = greatest(filled_quantity, booked_quantity + v_sum.quantity), updated_at = p_now,
    status = CASE WHEN v_complete THEN 'filled' ELSE status END,
    unconfirmed = unconfirmed AND NOT v_complete, finished_at = CASE WHEN v_complete THEN p_now END
  WHERE tenant_id = p_order.tenant_id AND intent_id = p_order.intent_id
  RETURNING * INTO v_order;
  v_event := engine.book_lone(p_order, v_order, v_fills, v_sum.costs, v_sum.cost, v_sum.fees, v_sum.gain, v_instrument,
    v_spec_version, CASE WHEN v_complete THEN v_rest ELSE 0 END, p_now);
  RETURN jsonb_build_object('code', 'OK', 'event_id', v_event, 'order_status', v_order.status, 'halted', false);
END $$;
COMMENT ON FUNCTION engine.book_plain_fill(engine.orders, jsonb, timestamptz) IS
  'books a fill of an open order that is plainly fine';
REVOKE ALL ON FUNCTION engine.book_plain_fill(engine.orders, jsonb, timestamptz) FROM PUBLIC;
