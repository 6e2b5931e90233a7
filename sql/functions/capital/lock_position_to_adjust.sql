-- Locks the position that an operator adjusts, making an empty one if there is none, and checks that it can give
-- what is taken. p_account: RESERVED_FOR_POSITIONS, or DUST for a position that is dust; p_quantity and p_cost signed.
-- Locks the position row. Writes positions (an empty row).
-- Raises HF404 no such instrument; HF422 the position cannot give this.
CREATE OR REPLACE FUNCTION engine.lock_position_to_adjust(
    p_tenant_id uuid, p_profile_id uuid, p_account text, p_symbol text, p_quantity numeric,
    p_cost numeric, p_at timestamptz
)
RETURNS text
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
  v_position engine.positions;
BEGIN
  INSERT INTO engine.positions (tenant_id, profile_id, symbol, account_id, base_asset, updated_at)
    SELECT p_tenant_id, p_profile_id, i.symbol, i.account_id, i.base_asset, p_at
    FROM engine.instruments i JOIN engine.profiles p USING (tenant_id, account_id)
    WHERE p.tenant_id = p_tenant_id AND p.profile_id = p_profile_id AND i.symbol = p_symbol
      AND i.quote_asset = p.quote_asset
    ON CONFLICT (tenant_id, profile_id, symbol) DO NOTHING;
  SELECT * INTO v_position FROM engine.positions
    WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id AND symbol = p_symbol FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such profile or instrument',
                          jsonb_build_object('profile_id', p_profile_id, 'symbol', p_symbol));
  END IF;
  IF v_position.is_dust <> (p_account = 'DUST')
     OR v_position.quantity - v_position.reserved_quantity + p_quantity < 0 OR v_position.cost + p_cost < 0
     OR (v_position.quantity + p_quantity = 0 AND v_position.cost + p_cost <> 0) THEN
    PERFORM engine.refuse('HF422', 'the position cannot be adjusted by this', jsonb_build_object(
      'is_dust', v_position.is_dust, 'quantity', trim_scale(v_position.quantity)::text,
      'in_exits', trim_scale(v_position.reserved_quantity)::text, 'cost', trim_scale(v_position.cost)::text));
  END IF;
  RETURN v_position.base_asset;
END
$$;
COMMENT ON FUNCTION engine.lock_position_to_adjust IS
  'Locks a position for an adjustment; gives its base asset.';
REVOKE ALL ON FUNCTION engine.lock_position_to_adjust FROM PUBLIC;
