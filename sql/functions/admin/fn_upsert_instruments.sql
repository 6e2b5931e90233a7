-- Stores the instruments of an exchange account as the exchange describes them now.
-- p_instruments: [{symbol, base_asset, quote_asset, tick_size, lot_size, min_quantity, max_quantity, min_notional,
-- max_notional, maker_fee_rate, taker_fee_rate, active}], numbers as text; a missing lower bound is 0.
-- Locks the instruments' rows. Writes instruments.
-- Raises HF403 foreign tenant; HF404 no such account; HF422 a bad instrument.
CREATE OR REPLACE FUNCTION engine.fn_upsert_instruments(p_tenant_id uuid, p_account_id uuid, p_instruments jsonb)
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now      timestamptz := engine.fn_clock();
  v_number   constant text := '^[0-9]{1,20}(\.[0-9]{1,18})?$';
  v_positive constant text := '^(?=.*[1-9])[0-9]{1,20}(\.[0-9]{1,18})?$';
  v_symbol   text;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  PERFORM engine.require_account(p_tenant_id, p_account_id);
  IF jsonb_typeof(p_instruments) IS DISTINCT FROM 'array' THEN
    PERFORM engine.refuse('HF422', 'instruments is an array');
  END IF;
  SELECT i.value->>'symbol' INTO v_symbol FROM jsonb_array_elements(p_instruments) i
    WHERE (jsonb_typeof(i.value) = 'object' AND length(i.value->>'symbol') BETWEEN 3 AND 64
      AND length(i.value->>'base_asset') BETWEEN 1 AND 32 AND length(i.value->>'quote_asset') BETWEEN 1 AND 32
      AND i.value->>'tick_size' ~ v_positive AND i.value->>'lot_size' ~ v_positive
      AND coalesce(i.value->>'min_quantity', '0') ~ v_number AND coalesce(i.value->>'max_quantity', '1') ~ v_positive
      AND coalesce(i.value->>'min_notional', '0') ~ v_number AND coalesce(i.value->>'max_notional', '1') ~ v_positive
      AND i.value->>'maker_fee_rate' ~ ('^-?' || substr(v_number, 2))
      AND i.value->>'taker_fee_rate' ~ ('^-?' || substr(v_number, 2))
      AND jsonb_typeof(coalesce(i.value->'active', 'true')) = 'boolean') IS NOT TRUE
    ORDER BY 1 LIMIT 1;
  IF FOUND THEN
    PERFORM engine.refuse('HF422', 'an instrument is not of the documented form',
                          jsonb_build_object('symbol', v_symbol));
  END IF;
  INSERT INTO engine.instruments AS old (tenant_id, account_id, symbol, base_asset, quote_asset, tick_size, lot_size,
      min_quantity, max_quantity, min_notional, max_notional, maker_fee_rate, taker_fee_rate, active, updated_at)
    SELECT DISTINCT ON (i.symbol) p_tenant_id, p_account_id, i.symbol, i.base_asset, i.quote_asset, i.tick_size,
      i.lot_size, coalesce(i.min_quantity, 0), i.max_quantity, coalesce(i.min_notional, 0), i.max_notional,
      i.maker_fee_rate, i.taker_fee_rate, coalesce(i.active, true), v_now
    FROM jsonb_to_recordset(p_instruments) AS i (symbol text, base_asset text, quote_asset text, tick_size numeric,
      lot_size numeric, min_quantity numeric, max_quantity numeric, min_notional numeric, max_notional numeric,
      maker_fee_rate numeric, taker_fee_rate numeric, active boolean)
    ORDER BY i.symbol
    ON CONFLICT (tenant_id, account_id, symbol) DO UPDATE SET base_asset = excluded.base_asset,
      quote_asset = excluded.quote_asset, tick_size = excluded.tick_size, lot_size = excluded.lot_size,
      min_quantity = excluded.min_quantity, max_quantity = excluded.max_quantity,
      min_notional = excluded.min_notional, max_notional = excluded.max_notional,
      maker_fee_rate = excluded.maker_fee_rate, taker_fee_rate = excluded.taker_fee_rate,
      active = excluded.active, updated_at = excluded.updated_at;
  RETURN jsonb_array_length(p_instruments);
END
$$;
COMMENT ON FUNCTION engine.fn_upsert_instruments IS
  'Inserts or updates instruments; gives how many were given.';
REVOKE ALL ON FUNCTION engine.fn_upsert_instruments FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_upsert_instruments TO holdfast_engine;
