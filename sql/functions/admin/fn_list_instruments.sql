-- Reads the instruments of an exchange account, ordered by symbol. Locks nothing, writes nothing.
-- Raises HF403 foreign tenant; HF404 no such account.
CREATE OR REPLACE FUNCTION engine.fn_list_instruments(p_tenant_id uuid, p_account_id uuid)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  PERFORM engine.require_account(p_tenant_id, p_account_id);
  RETURN (SELECT coalesce(jsonb_agg(jsonb_build_object('symbol', i.symbol, 'base_asset', i.base_asset,
    'quote_asset', i.quote_asset, 'tick_size', trim_scale(i.tick_size)::text, 'lot_size', trim_scale(i.lot_size)::text,
    'min_quantity', trim_scale(i.min_quantity)::text, 'max_quantity', trim_scale(i.max_quantity)::text,
    'min_notional', trim_scale(i.min_notional)::text, 'max_notional', trim_scale(i.max_notional)::text,
    'maker_fee_rate', trim_scale(i.maker_fee_rate)::text, 'taker_fee_rate', trim_scale(i.taker_fee_rate)::text,
    'active', i.active, 'updated_at', i.updated_at) ORDER BY i.symbol), '[]')
    FROM engine.instruments i WHERE i.tenant_id = p_tenant_id AND i.account_id = p_account_id);
END
$$;
COMMENT ON FUNCTION engine.fn_list_instruments IS
  'The instruments of an account as JSON; every number is text.';
REVOKE ALL ON FUNCTION engine.fn_list_instruments FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_list_instruments TO holdfast_engine, holdfast_operator, holdfast_reader;
