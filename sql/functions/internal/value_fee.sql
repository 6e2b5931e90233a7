-- Values one unvalued fee of a fill of a known order; NULL if there is no such fill.
-- Locks: orders → positions → profile_capital → unassigned_holdings. Writes fills, orders, positions,
-- reservations, the ledger, unassigned, outbox. Raises HF422 for a rate that is not exact and positive.
CREATE OR REPLACE FUNCTION engine.value_fee(p_tenant_id uuid, p_intent_id uuid, p_item jsonb, p_now timestamptz)
RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  v_order engine.orders;
  v_fill engine.fills;
  v_rate numeric := engine.plain_number(p_item ->> 'fee_rate');
  v_paid numeric := 0;
  v_event_id bigint;
  v_spec integer;
  v_quote text;
BEGIN
  IF v_rate IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'HF422', MESSAGE = 'fee_rate is no positive exact number', DETAIL = p_item::text;
  END IF;
  SELECT * INTO v_order FROM engine.orders
  WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id FOR NO KEY UPDATE;
  SELECT * INTO v_fill FROM engine.fills
  WHERE tenant_id = p_tenant_id AND account_id = v_order.account_id AND symbol = v_order.symbol
    AND exchange_order_id = v_order.exchange_order_id AND exchange_trade_id = p_item ->> 'exchange_trade_id';
  IF NOT FOUND THEN
    RETURN NULL;
  ELSIF v_fill.fee_value IS NOT NULL THEN
    RETURN jsonb_build_object('code', 'DUPLICATE', 'fee_value', trim_scale(v_fill.fee_value)::text);
  END IF;
  SELECT i.spec_version, p.quote_asset INTO v_spec, v_quote
  FROM engine.intents i JOIN engine.profiles p USING (tenant_id, profile_id)
  WHERE i.tenant_id = p_tenant_id AND i.intent_id = p_intent_id;
  v_fill.fee_value := round(v_fill.fee_quantity * v_rate, 18);
  UPDATE engine.fills SET fee_value = v_fill.fee_value, fee_rate = v_rate, rate_source = p_item ->> 'rate_source'
  WHERE tenant_id = p_tenant_id AND account_id = v_fill.account_id AND symbol = v_fill.symbol
    AND exchange_order_id = v_fill.exchange_order_id AND exchange_trade_id = v_fill.exchange_trade_id;
  UPDATE engine.orders SET unvalued_fees = unvalued_fees - 1, updated_at = p_now
  WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id RETURNING * INTO v_order;
  UPDATE engine.positions SET trip_fees = trip_fees + v_fill.fee_value, updated_at = p_now
  WHERE tenant_id = p_tenant_id AND profile_id = v_order.profile_id AND symbol = v_order.symbol
    AND opened_at IS NOT NULL;
  IF v_order.kind = 'entry' THEN
    SELECT least(remaining, greatest(v_fill.fee_value, 0)) INTO v_paid FROM engine.reservations
    WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id;
    UPDATE engine.reservations SET remaining = remaining - v_paid
    WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id AND v_paid > 0;
  END IF;
  v_event_id := (engine.post_capital(p_tenant_id, v_order.profile_id, 'fee_valued',
    engine.fill_key(v_fill) || ':valued', p_intent_id, 'engine', NULL, p_item ->> 'rate_source', v_spec,
    v_fill.exchange_time, p_now, v_paid - v_fill.fee_value, -v_paid, 0, 0, 0, v_fill.fee_value)).event_id;
  INSERT INTO engine.outbox (tenant_id, event_id, profile_id, intent_id, type, payload, recorded_at)
  VALUES (p_tenant_id, v_event_id, v_order.profile_id, p_intent_id, 'fee.valued', jsonb_build_object(
    'exchange_trade_id', v_fill.exchange_trade_id, 'fee_asset', v_fill.fee_asset,
    'fee_quantity', trim_scale(v_fill.fee_quantity)::text, 'fee_rate', trim_scale(v_rate)::text,
    'fee_value', trim_scale(v_fill.fee_value)::text), p_now);
  IF v_order.status <> 'open' AND v_order.unvalued_fees = 0 THEN
    PERFORM engine.release_late(v_order, p_now);
  END IF;
  PERFORM engine.post_unassigned(p_tenant_id, v_order.account_id, v_quote, v_fill.fee_value, 'fee_value',
    engine.fill_key(v_fill) || ':value', 'engine', NULL, p_now);
  RETURN jsonb_build_object('code', 'OK', 'event_id', v_event_id, 'order_status', v_order.status,
    'fee_value', trim_scale(v_fill.fee_value)::text);
END $$;
COMMENT ON FUNCTION engine.value_fee(uuid, uuid, jsonb, timestamptz) IS 'values one fee in a third asset';
REVOKE ALL ON FUNCTION engine.value_fee(uuid, uuid, jsonb, timestamptz) FROM PUBLIC;
