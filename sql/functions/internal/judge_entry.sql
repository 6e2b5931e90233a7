-- Judges one entry by what only operators change: numbers, the instrument's filters, modes, the spec's limits.
-- Modes and reasons come in the order engine, tenant, account, profile; a profile's may be left to the guarded
-- UPDATE that reserves. Locks and writes nothing; raises nothing. NULL if nothing speaks against it.
CREATE OR REPLACE FUNCTION engine.judge_entry(
  p_symbol text, p_quantity numeric, p_price numeric, p_quote text, p_instrument engine.instruments,
  p_modes text[], p_reasons text[], p_spec jsonb
) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_notional numeric := p_quantity * p_price;
BEGIN
  IF v_notional IS NULL THEN
    RETURN jsonb_build_object('code', 'INVALID_NUMBER');
  ELSIF p_quote IS NULL THEN
    RETURN jsonb_build_object('code', 'NOT_FOUND');
  ELSIF (p_instrument.active AND p_instrument.quote_asset = p_quote) IS NOT TRUE THEN
    RETURN jsonb_build_object('code', 'UNKNOWN_SYMBOL', 'symbol', p_symbol);
  ELSIF p_quantity % p_instrument.lot_size <> 0 OR p_quantity < p_instrument.min_quantity
    OR p_quantity > p_instrument.max_quantity OR v_notional > p_instrument.max_notional THEN
    RETURN jsonb_build_object('code', 'INVALID_QUANTITY', 'quantity', p_quantity::text,
      'lot_size', trim_scale(p_instrument.lot_size)::text,
      'min_quantity', trim_scale(p_instrument.min_quantity)::text,
      'max_quantity', trim_scale(p_instrument.max_quantity)::text,
      'max_notional', trim_scale(p_instrument.max_notional)::text);
  ELSIF p_price % p_instrument.tick_size <> 0 THEN
    RETURN jsonb_build_object('code', 'INVALID_PRICE', 'price', p_price::text,
      'tick_size', trim_scale(p_instrument.tick_size)::text);
  ELSIF v_notional < p_instrument.min_notional THEN
    RETURN jsonb_build_object('code', 'BELOW_MIN_NOTIONAL', 'notional', trim_scale(v_notional)::text,
      'min_notional', trim_scale(p_instrument.min_notional)::text);
  ELSIF 'active' <> ANY (p_modes) THEN
    RETURN engine.mode_denial(p_modes, p_reasons);
  ELSIF p_spec = '{}' THEN
    RETURN NULL;  -- the common spec: no limits
  ELSIF NOT p_spec -> 'symbols' ? p_symbol THEN
    RETURN jsonb_build_object('code', 'LIMIT_EXCEEDED', 'limit', 'symbols', 'value', p_symbol,
      'allowed', p_spec -> 'symbols');
  ELSIF p_quantity > (p_spec ->> 'max_order_quantity')::numeric THEN
    RETURN jsonb_build_object('code', 'LIMIT_EXCEEDED', 'limit', 'max_order_quantity',
      'value', trim_scale(p_quantity)::text, 'allowed', p_spec ->> 'max_order_quantity');
  ELSIF v_notional > (p_spec ->> 'max_order_notional')::numeric THEN
    RETURN jsonb_build_object('code', 'LIMIT_EXCEEDED', 'limit', 'max_order_notional',
      'value', trim_scale(v_notional)::text, 'allowed', p_spec ->> 'max_order_notional');
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION engine.judge_entry(text, numeric, numeric, text, engine.instruments, text[], text[], jsonb) IS
  'judges an entry by filters, modes and limits';
REVOKE ALL ON FUNCTION engine.judge_entry(text, numeric, numeric, text, engine.instruments, text[], text[], jsonb)
  FROM PUBLIC;
