-- Shows one profile's capital: the five figures, the seven ledger accounts, mode, and the invariant worked out.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.capital_view(p_capital engine.profile_capital)
RETURNS jsonb
LANGUAGE sql STABLE SET search_path = ''
AS $$
  SELECT jsonb_build_object('profile_id', p.profile_id, 'name', p.name, 'account_id', p.account_id,
    'quote_asset', p.quote_asset, 'allocated', trim_scale(p_capital.allocated)::text,
    'available', trim_scale(p_capital.available)::text,
    'reserved_for_orders', trim_scale(p_capital.reserved_for_orders)::text,
    'reserved_for_positions', trim_scale(p_capital.reserved_for_positions + p_capital.dust)::text,
    'realized_pnl', trim_scale(p_capital.trading_pnl - p_capital.fees)::text,
    'dust', trim_scale(p_capital.dust)::text, 'trading_pnl', trim_scale(p_capital.trading_pnl)::text,
    'fees', trim_scale(p_capital.fees)::text,
    'invariant', trim_scale(p_capital.allocated - p_capital.reserved_for_orders - p_capital.reserved_for_positions
                            - p_capital.dust + p_capital.trading_pnl - p_capital.fees)::text,
    'mode', p_capital.mode, 'mode_reason', p_capital.mode_reason, 'version', p_capital.version,
    'updated_at', p_capital.updated_at)
  FROM engine.profiles p WHERE p.tenant_id = p_capital.tenant_id AND p.profile_id = p_capital.profile_id
$$;
COMMENT ON FUNCTION engine.capital_view IS
  'The capital figures of a profile as JSON; every number is text.';
REVOKE ALL ON FUNCTION engine.capital_view FROM PUBLIC;
