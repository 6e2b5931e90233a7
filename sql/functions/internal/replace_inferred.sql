-- Lets a real trade take the place of what inferred fills have booked of its order, the oldest first, up to the
-- trade's quantity. A fill that is replaced whole is marked superseded; it is never removed.
-- Gives the replaced quantity and notional, how much of that quantity the position still holds (each fill's in
-- proportion; nothing once its round trip has ended otherwise than as dust), and whether that trip has ended.
-- Locks positions (the caller holds the order). Writes inferred_fills, fills. Raises nothing.
CREATE OR REPLACE FUNCTION engine.replace_inferred(
  p_order engine.orders, p_fill engine.fills,
  OUT replaced numeric, OUT amount numeric, OUT held numeric, OUT trip_ended boolean
)
LANGUAGE plpgsql AS $$
DECLARE
  v_position engine.positions;
  v_open record;
  v_part numeric;
  v_amount numeric;
  v_ends integer;
BEGIN
  replaced := 0;
  amount := 0;
  held := 0;
  trip_ended := false;
  SELECT * INTO v_position FROM engine.positions
  WHERE tenant_id = p_order.tenant_id AND profile_id = p_order.profile_id AND symbol = p_order.symbol
  FOR NO KEY UPDATE;
  FOR v_open IN
    SELECT i.exchange_trade_id, i.quantity, i.quantity - i.replaced_quantity AS rest,
      f.notional - i.replaced_notional AS notional, f.event_id
    FROM engine.inferred_fills i JOIN engine.fills f ON f.tenant_id = i.tenant_id
      AND f.account_id = p_order.account_id AND f.symbol = p_order.symbol
      AND f.exchange_order_id = p_order.exchange_order_id AND f.exchange_trade_id = i.exchange_trade_id
    WHERE i.tenant_id = p_order.tenant_id AND i.intent_id = p_order.intent_id
      AND i.replaced_quantity < i.quantity
    ORDER BY f.event_id
  LOOP
    v_part := least(v_open.rest, p_fill.quantity - replaced);
    EXIT WHEN v_part <= 0;
    v_amount := engine.cost_share(v_open.notional, v_part, v_open.rest);
    UPDATE engine.inferred_fills SET replaced_quantity = replaced_quantity + v_part,
      replaced_notional = replaced_notional + v_amount
    WHERE tenant_id = p_order.tenant_id AND intent_id = p_order.intent_id
      AND exchange_trade_id = v_open.exchange_trade_id;
    IF v_part = v_open.rest THEN
      UPDATE engine.fills SET superseded_at = p_fill.recorded_at
      WHERE tenant_id = p_order.tenant_id AND account_id = p_order.account_id AND symbol = p_order.symbol
        AND exchange_order_id = p_order.exchange_order_id AND exchange_trade_id = v_open.exchange_trade_id;
    END IF;
    SELECT count(*) INTO v_ends FROM (
      SELECT FROM engine.trade_history WHERE tenant_id = p_order.tenant_id AND profile_id = p_order.profile_id
        AND symbol = p_order.symbol AND event_id >= v_open.event_id
        AND bought_quantity + sold_quantity + dust_quantity > 0 LIMIT 2) h;  -- not a correction's own row
    IF v_ends = v_position.is_dust::integer THEN
      held := held + v_part * least(v_position.quantity, v_open.quantity) / v_open.quantity;
    END IF;
    trip_ended := trip_ended OR v_ends > 0;
    replaced := replaced + v_part;
    amount := amount + v_amount;
  END LOOP;
END $$;
COMMENT ON FUNCTION engine.replace_inferred(engine.orders, engine.fills) IS
  'lets a real trade take the place of inferred fills';
REVOKE ALL ON FUNCTION engine.replace_inferred(engine.orders, engine.fills) FROM PUBLIC;
