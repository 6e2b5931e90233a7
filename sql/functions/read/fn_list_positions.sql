-- Lists what profiles hold, dust included; NULL means every profile. sellable is what an exit of "all" would sell.
-- Locks nothing, writes nothing. Raises HF403 foreign tenant; HF404 no such profile.
CREATE OR REPLACE FUNCTION engine.fn_list_positions(p_tenant_id uuid, p_profile_id uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  IF p_profile_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM engine.profiles WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id) THEN
    PERFORM engine.refuse('HF404', 'no such profile', jsonb_build_object('profile_id', p_profile_id));
  END IF;
  RETURN (
    SELECT coalesce(jsonb_agg(jsonb_build_object('profile_id', p.profile_id, 'account_id', p.account_id,
      'symbol', p.symbol, 'base_asset', p.base_asset, 'quantity', trim_scale(p.quantity)::text,
      'cost', trim_scale(p.cost)::text,
      'average_price', trim_scale(round(p.cost * 1.000000000000000000000000000000000000 / p.quantity, 18))::text,
      'reserved_quantity', trim_scale(p.reserved_quantity)::text,
      'sellable', trim_scale(floor((p.quantity - p.reserved_quantity) / i.lot_size) * i.lot_size)::text,
      'is_dust', p.is_dust, 'last_fill_price', trim_scale(p.last_fill_price)::text, 'opened_at', p.opened_at,
      'updated_at', p.updated_at) ORDER BY p.profile_id, p.symbol), '[]')
    FROM engine.positions p LEFT JOIN engine.instruments i USING (tenant_id, account_id, symbol)
    WHERE p.tenant_id = p_tenant_id AND (p_profile_id IS NULL OR p.profile_id = p_profile_id) AND p.quantity > 0);
END
$$;
COMMENT ON FUNCTION engine.fn_list_positions IS
  'Positions by profile and symbol; every number is text.';
REVOKE ALL ON FUNCTION engine.fn_list_positions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_list_positions TO holdfast_engine, holdfast_operator, holdfast_reader;
