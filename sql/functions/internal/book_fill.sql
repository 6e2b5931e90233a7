-- Books one fill of a known order, once: position, capital, fee, order, and the end that waited for it.
-- A real trade of an order with inferred fills takes their place first and books the difference; an inferred one
-- books what is missing, if anything is.
-- Locks: order → position → profile_capital → unassigned_holdings; what is locked in one statement is read in
-- a later one. Writes fills, orders, positions, reservations, the ledger, inferred_fills, unassigned, outbox.
-- Returns code OK with event_id, order_status and halted, or DUPLICATE with the first event_id and, if the
-- exchange now says something else of the same trade, what was kept.
-- Raises HF422 for a number that is not exact.
CREATE OR REPLACE FUNCTION engine.book_fill(p_tenant_id uuid, p_intent_id uuid, p_item jsonb, p_now timestamptz)
RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  v_order engine.orders;
  v_fill engine.fills;
  v_plain jsonb;
  v_base text;
  v_quote text;
  v_spec integer;
  v_third boolean;
  v_halted boolean;
  v_swap record;
  v_replaced numeric := 0;
  v_amount numeric := 0;
BEGIN
  SELECT * INTO v_order FROM engine.orders
  WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id FOR NO KEY UPDATE;
  SELECT * INTO v_fill FROM engine.fills
  WHERE tenant_id = p_tenant_id AND account_id = v_order.account_id AND symbol = v_order.symbol
    AND exchange_order_id = v_order.exchange_order_id AND exchange_trade_id = p_item ->> 'exchange_trade_id';
  IF FOUND THEN
    RETURN engine.known_fill(v_fill, p_item);
  END IF;
  v_plain := engine.book_plain_fill(v_order, p_item, p_now);
  IF v_plain IS NOT NULL THEN
    RETURN v_plain;
  ELSIF (p_item ->> 'inferred')::boolean THEN
    p_item := engine.infer_fill(v_order, p_item);
    IF p_item IS NULL THEN
      RETURN '{"code": "DUPLICATE"}';
    END IF;
  END IF;
  v_fill := engine.read_fill(v_order, p_item, p_now);
  SELECT u.base_asset, u.quote_asset, i.spec_version INTO v_base, v_quote, v_spec
  FROM engine.instruments u, engine.intents i
  WHERE u.tenant_id = p_tenant_id AND u.account_id = v_order.account_id AND u.symbol = v_order.symbol
    AND i.tenant_id = p_tenant_id AND i.intent_id = p_intent_id;
  v_third := v_fill.fee_asset NOT IN (v_base, v_quote);
  v_fill.fee_value := CASE v_fill.fee_asset WHEN v_quote THEN v_fill.fee_quantity
    WHEN v_base THEN round(v_fill.fee_quantity * v_fill.price, 18)
    ELSE round(v_fill.fee_quantity * v_fill.fee_rate, 18) END;
  IF v_fill.fee_quantity = 0 THEN
    v_third := false;
    v_fill.fee_value := 0;
  END IF;
  IF v_order.inferred_quantity > 0 AND NOT v_fill.inferred THEN
    v_swap := engine.replace_inferred(v_order, v_fill);
    v_replaced := v_swap.replaced;
    v_amount := v_swap.amount;
  END IF;
  IF v_replaced > 0 AND v_order.kind = 'entry' THEN
    SELECT b.event_id, b.halted INTO v_fill.event_id, v_halted FROM engine.correct_entry_fill(v_order, v_fill,
      v_spec, v_base, v_fill.fee_asset = v_base, v_replaced, v_amount, v_swap.held, v_swap.trip_ended) b;
  ELSIF v_replaced > 0 THEN
    SELECT b.event_id, b.halted, b.fee_value INTO v_fill.event_id, v_halted, v_fill.fee_value
    FROM engine.correct_exit_fill(v_order, v_fill, v_spec, v_base, v_fill.fee_asset = v_base, v_replaced,
      v_amount, v_swap.trip_ended) b;
  ELSIF v_order.kind = 'entry' THEN
    SELECT b.event_id, b.halted INTO v_fill.event_id, v_halted
    FROM engine.book_entry_fill(v_order, v_fill, v_spec, v_base) b;
  ELSE
    SELECT b.event_id, b.halted, b.fee_value INTO v_fill.event_id, v_halted, v_fill.fee_value
    FROM engine.book_exit_fill(v_order, v_fill, v_spec, v_base, v_fill.fee_asset = v_base) b;
  END IF;
  INSERT INTO engine.fills SELECT v_fill.*;
  IF v_third THEN
    PERFORM engine.post_third_asset_fee(v_fill, v_quote);
  END IF;
  IF v_fill.inferred THEN
    INSERT INTO engine.inferred_fills (tenant_id, intent_id, exchange_trade_id, quantity)
    VALUES (p_tenant_id, p_intent_id, v_fill.exchange_trade_id, v_fill.quantity);
  END IF;
  UPDATE engine.orders SET booked_quantity = booked_quantity + v_fill.quantity - v_replaced,
    booked_notional = booked_notional + v_fill.notional - v_amount,
    filled_quantity = greatest(filled_quantity, booked_quantity + v_fill.quantity - v_replaced),
    inferred_quantity = inferred_quantity - v_replaced + CASE WHEN v_fill.inferred THEN v_fill.quantity ELSE 0 END,
    unvalued_fees = unvalued_fees + CASE WHEN v_fill.fee_value IS NULL THEN 1 ELSE 0 END, updated_at = p_now
  WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id
  RETURNING * INTO v_order;
  INSERT INTO engine.outbox (tenant_id, event_id, profile_id, intent_id, type, payload, recorded_at)
  VALUES (p_tenant_id, v_fill.event_id, v_order.profile_id, p_intent_id,
    CASE WHEN v_replaced > 0 THEN 'fill.corrected' ELSE 'fill' END, engine.fill_payload(v_order, v_fill)
    || CASE WHEN v_replaced > 0 THEN jsonb_build_object('replaced_quantity', trim_scale(v_replaced)::text,
      'notional_difference', trim_scale(v_fill.notional - v_amount)::text) ELSE '{}' END, p_now);
  IF v_replaced > 0 AND v_order.status <> 'open' THEN
    PERFORM engine.settle_dust(p_tenant_id, p_intent_id, p_now);
  END IF;
  RETURN jsonb_build_object('code', 'OK', 'event_id', v_fill.event_id,
    'order_status', engine.finish_if_complete(v_order, p_now), 'halted', v_halted);
END $$;
COMMENT ON FUNCTION engine.book_fill(uuid, uuid, jsonb, timestamptz) IS 'books one fill of a known order, once';
REVOKE ALL ON FUNCTION engine.book_fill(uuid, uuid, jsonb, timestamptz) FROM PUBLIC;
