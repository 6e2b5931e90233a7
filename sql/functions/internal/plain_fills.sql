-- Reads the fills that came with an order's confirmation, their fees valued, as they are booked but for the event.
-- One row in one expression: each assignment by itself prepares an expression in every transaction.
-- Locks and writes nothing; raises nothing. Returns NULL if one of them wants more than plain booking: an inferred
-- fill, a trade told twice, a fee in a third asset, a sell's in base or above its price, a rebate, or a number or side
-- that engine.read_fill refuses.
CREATE OR REPLACE FUNCTION engine.plain_fills(
  p_order engine.orders, p_items jsonb, p_base text, p_quote text, p_now timestamptz
) RETURNS engine.fills[]
LANGUAGE plpgsql AS $$
DECLARE
  v_item jsonb;
  v_price numeric;
  v_quantity numeric;
  v_fee numeric;
  v_fills engine.fills[] := '{}';
  v_trades text[] := '{}';
BEGIN
  IF jsonb_typeof(p_items) IS DISTINCT FROM 'array' THEN
    RETURN v_fills;
  END IF;
  FOR v_place IN 0 .. jsonb_array_length(p_items) - 1 LOOP
    v_item := p_items -> v_place;
    v_price := engine.plain_number(v_item ->> 'price');
    v_quantity := engine.plain_number(v_item ->> 'quantity');
    v_fee := CASE WHEN v_item ->> 'fee_quantity' ~ '^0(\.0{1,18})?$' OR v_item ->> 'fee_quantity' IS NULL THEN 0
      WHEN v_item ->> 'fee_asset' = p_quote OR (v_item ->> 'fee_asset' = p_base AND p_order.kind = 'entry')
        THEN engine.plain_number(v_item ->> 'fee_quantity') END;
    IF (v_fee >= 0 AND round(v_price * v_quantity, 18) > 0
      AND (p_order.kind = 'entry' OR v_fee <= round(v_price * v_quantity, 18)) AND v_item ->> 'side' = p_order.side
      AND NOT v_item ->> 'exchange_trade_id' = ANY (v_trades) AND v_item ->> 'fee_rate' IS NULL
      AND (v_item ->> 'inferred')::boolean IS NOT TRUE) IS NOT TRUE THEN
      RETURN NULL;
    END IF;
    v_trades := v_trades || (v_item ->> 'exchange_trade_id');
    v_fills := v_fills || ROW(p_order.tenant_id, p_order.account_id, p_order.symbol, p_order.exchange_order_id,
      v_item ->> 'exchange_trade_id', p_order.intent_id, p_order.profile_id, NULL, p_order.side, v_price, v_quantity,
      round(v_price * v_quantity, 18), v_item ->> 'fee_asset', v_fee,
      CASE WHEN v_item ->> 'fee_asset' = p_base AND v_fee <> 0 THEN round(v_fee * v_price, 18) ELSE v_fee END, NULL,
      v_item ->> 'rate_source', (v_item ->> 'maker')::boolean, false, NULL, coalesce(v_item ->> 'source', 'unknown'),
      coalesce((v_item ->> 'exchange_time')::timestamptz, p_now), p_now)::engine.fills;
  END LOOP;
  RETURN v_fills;
END $$;
COMMENT ON FUNCTION engine.plain_fills(engine.orders, jsonb, text, text, timestamptz) IS
  'fills that want no more than plain booking';
REVOKE ALL ON FUNCTION engine.plain_fills(engine.orders, jsonb, text, text, timestamptz) FROM PUBLIC;
