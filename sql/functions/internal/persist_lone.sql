-- Records what the exchange confirmed of one intent, in as few statements as its facts have tables: a robot's single
-- order, resting, or filled and ended at once, is the common case, and each statement costs more to prepare than to
-- run. What is not plainly new and fine - an order or fills that are known or parked, a false absence, fills that
-- engine.plain_fills leaves or that are missing, more than the reservation or the position covers - leaves no trace
-- and is recorded by the functions for everything, which come to the same rows.
-- Locks: intent → position → profile_capital; the order is new. Writes intents, orders and what engine.book_lone
-- writes.
-- Returns the item's result, or NULL: not recorded. Raises HF422 for a filled_quantity that is not exact.
CREATE OR REPLACE FUNCTION engine.persist_lone(p_tenant_id uuid, p_item jsonb, p_kind text, p_now timestamptz)
RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  v_before engine.orders;
  v_order engine.orders;
  v_instrument engine.instruments;
  v_position engine.positions;  -- of an exit
  v_spec_version integer;
  v_reserved numeric;
  v_rest numeric;  -- what the fills leave of it
  v_cancel_requested boolean;
  v_fills engine.fills[];
  v_sum record;
  v_end text;
  v_event bigint;
BEGIN
  SELECT i.tenant_id, i.intent_id, i.profile_id, i.account_id, i.kind, i.symbol, i.side, i.client_order_id,
    p_item ->> 'exchange_order_id', i.quantity, (p_item ->> 'exchange_time')::timestamptz, i.spec_version,
    i.reserved_amount, i.cancel_requested_at IS NOT NULL, u.base_asset, u.quote_asset, u.lot_size, u.min_quantity,
    u.min_notional
  INTO v_order.tenant_id, v_order.intent_id, v_order.profile_id, v_order.account_id, v_order.kind, v_order.symbol,
    v_order.side, v_order.client_order_id, v_order.exchange_order_id, v_order.quantity, v_order.exchange_time,
    v_spec_version, v_reserved, v_cancel_requested, v_instrument.base_asset, v_instrument.quote_asset,
    v_instrument.lot_size, v_instrument.min_quantity, v_instrument.min_notional
  FROM engine.intents i, engine.instruments u
  WHERE i.tenant_id = p_tenant_id AND i.intent_id = (p_item ->> 'intent_id')::uuid AND i.kind = p_kind
    AND i.state IN ('sending', 'in_doubt', 'needs_operator') AND i.reserved_remaining = i.reserved_amount
    AND u.tenant_id = p_tenant_id AND u.account_id = i.account_id AND u.symbol = i.symbol
    AND p_item ->> 'exchange_order_id' <> ''
    AND NOT EXISTS (SELECT FROM engine.orders o WHERE o.tenant_id = p_tenant_id AND o.account_id = i.account_id
      AND o.symbol = i.symbol AND o.exchange_order_id = p_item ->> 'exchange_order_id')
    AND NOT EXISTS (SELECT FROM engine.unmatched_fills m WHERE m.tenant_id = p_tenant_id
      AND m.account_id = i.account_id AND m.symbol = i.symbol AND m.exchange_order_id = p_item ->> 'exchange_order_id')
  FOR NO KEY UPDATE OF i;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  v_fills := engine.plain_fills(v_order, p_item -> 'fills', v_instrument.base_asset, v_instrument.quote_asset, p_now);
  IF v_fills IS NULL THEN
    RETURN NULL;
  ELSIF p_kind = 'exit' AND v_fills <> '{}' THEN
    SELECT * INTO v_position FROM engine.positions
    WHERE tenant_id = p_tenant_id AND profile_id = v_order.profile_id AND symbol = v_order.symbol
    FOR NO KEY UPDATE;
  END IF;
  v_sum := engine.weigh_fills(v_fills, p_kind, v_instrument.base_asset, v_position);
  v_rest := v_reserved - CASE p_kind WHEN 'entry' THEN v_sum.cost + v_sum.fees ELSE v_sum.quantity END;
  v_end := CASE WHEN v_sum.quantity >= v_order.quantity THEN 'filled'
    WHEN p_item ->> 'status' IN ('filled', 'canceled', 'expired', 'rejected') THEN p_item ->> 'status' END;
  IF (v_sum.covered AND v_rest >= 0) IS NOT TRUE OR (v_end = 'filled' AND v_sum.quantity < v_order.quantity)
    OR engine.exact_number(p_item ->> 'filled_quantity', 'filled_quantity', false) > v_sum.quantity THEN
    RETURN NULL;
  END IF;
  UPDATE engine.intents SET state = 'confirmed', exchange_order_id = v_order.exchange_order_id, updated_at = p_now,
    reason_code = NULL, reason = NULL, evidence = coalesce(nullif(p_item -> 'evidence', 'null'), evidence),
    reserved_remaining = CASE WHEN v_end IS NULL THEN v_rest ELSE 0 END,
    released_at = CASE WHEN v_end IS NOT NULL THEN p_now END
  WHERE tenant_id = p_tenant_id AND intent_id = v_order.intent_id;
  v_order.booked_quantity := 0;
  v_order.booked_notional := 0;
  v_order.filled_quantity := 0;
  v_before := v_order;
  v_order.status := coalesce(v_end, 'open');
  v_order.booked_quantity := v_sum.quantity;
  v_order.booked_notional := v_sum.notional;
  v_order.filled_quantity := v_sum.quantity;
  INSERT INTO engine.orders (tenant_id, intent_id, profile_id, account_id, kind, symbol, side, client_order_id,
    exchange_order_id, status, quantity, filled_quantity, booked_quantity, booked_notional, exchange_time, finished_at,
    created_at, updated_at)
  VALUES (p_tenant_id, v_order.intent_id, v_order.profile_id, v_order.account_id, p_kind, v_order.symbol, v_order.side,
    v_order.client_order_id, v_order.exchange_order_id, v_order.status, v_order.quantity, v_sum.quantity,
    v_sum.quantity, v_sum.notional, v_order.exchange_time, CASE WHEN v_end IS NOT NULL THEN p_now END, p_now, p_now);
  v_event := engine.book_lone(v_before, v_order, v_fills, v_sum.costs, v_sum.cost, v_sum.fees, v_sum.gain, v_instrument,
    v_spec_version, CASE WHEN v_end IS NULL THEN 0 ELSE v_rest END, p_now);
  RETURN jsonb_build_object('code', 'OK', 'replay', false, 'order_status', v_order.status,
    'cancel_requested', v_cancel_requested, 'false_absence', false,
    'fills', array_fill('OK'::text, ARRAY[cardinality(v_fills)]));
END $$;
COMMENT ON FUNCTION engine.persist_lone(uuid, jsonb, text, timestamptz) IS
  'records one confirmation that is plainly new and fine';
REVOKE ALL ON FUNCTION engine.persist_lone(uuid, jsonb, text, timestamptz) FROM PUBLIC;
