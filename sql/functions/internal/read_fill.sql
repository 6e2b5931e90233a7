-- Reads a fill's JSON into its row; identity and side are the order's.
-- Locks and writes nothing. Raises HF422 for a number that is not exact, a fee without an asset, no trade id.
CREATE OR REPLACE FUNCTION engine.read_fill(p_order engine.orders, p_item jsonb, p_now timestamptz)
RETURNS engine.fills
LANGUAGE plpgsql AS $$
DECLARE
  v_fill engine.fills;
BEGIN
  v_fill.tenant_id := p_order.tenant_id;
  v_fill.account_id := p_order.account_id;
  v_fill.symbol := p_order.symbol;
  v_fill.exchange_order_id := p_order.exchange_order_id;
  v_fill.exchange_trade_id := p_item ->> 'exchange_trade_id';
  v_fill.intent_id := p_order.intent_id;
  v_fill.profile_id := p_order.profile_id;
  v_fill.side := p_order.side;
  v_fill.price := engine.exact_number(p_item ->> 'price', 'price', false);
  v_fill.quantity := engine.exact_number(p_item ->> 'quantity', 'quantity', false);
  v_fill.fee_quantity := coalesce(engine.exact_number(p_item ->> 'fee_quantity', 'fee_quantity', true), 0);
  v_fill.fee_asset := p_item ->> 'fee_asset';
  v_fill.fee_rate := engine.exact_number(p_item ->> 'fee_rate', 'fee_rate', false);
  v_fill.rate_source := p_item ->> 'rate_source';
  v_fill.maker := (p_item ->> 'maker')::boolean;
  v_fill.inferred := coalesce((p_item ->> 'inferred')::boolean, false);
  v_fill.source := coalesce(p_item ->> 'source', 'unknown');
  v_fill.exchange_time := coalesce((p_item ->> 'exchange_time')::timestamptz, p_now);
  v_fill.recorded_at := p_now;
  v_fill.notional := round(v_fill.price * v_fill.quantity, 18);
  IF v_fill.price IS NULL OR v_fill.quantity IS NULL OR v_fill.notional <= 0
    OR v_fill.exchange_trade_id IS NULL OR (v_fill.fee_quantity <> 0 AND v_fill.fee_asset IS NULL)
    OR p_item ->> 'side' <> p_order.side THEN
    RAISE EXCEPTION USING ERRCODE = 'HF422', DETAIL = p_item::text,
      MESSAGE = 'a fill has a trade id, its order''s side, a price, a quantity, and an asset with its fee';
  END IF;
  RETURN v_fill;
END $$;
COMMENT ON FUNCTION engine.read_fill(engine.orders, jsonb, timestamptz) IS 'reads a fill''s JSON';
REVOKE ALL ON FUNCTION engine.read_fill(engine.orders, jsonb, timestamptz) FROM PUBLIC;
