-- Compares what reservations and positions hold with the ledger accounts that stand for them.
-- Locks nothing, writes nothing.
CREATE OR REPLACE FUNCTION engine.held_against_ledger(p_tenant_id uuid, p_profile_id uuid)
RETURNS jsonb
LANGUAGE sql STABLE SET search_path = ''
AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object('what', d.what, 'symbol', d.symbol, 'held', trim_scale(d.held)::text,
                                               'ledger', trim_scale(d.ledger)::text) ORDER BY d.what, d.symbol), '[]')
  FROM (
    SELECT 'reservations' AS what, NULL AS symbol, c.reserved_for_orders AS ledger,
      (SELECT coalesce(sum(i.reserved_remaining), 0) FROM engine.intents i
       WHERE i.tenant_id = c.tenant_id AND i.profile_id = c.profile_id AND i.reserved_unit = 'quote'
         AND i.released_at IS NULL) AS held
    FROM engine.profile_capital c WHERE c.tenant_id = p_tenant_id AND c.profile_id = p_profile_id
    UNION ALL
    SELECT 'reservations', p.symbol, p.reserved_quantity,
      (SELECT coalesce(sum(i.reserved_remaining), 0) FROM engine.intents i
       WHERE i.tenant_id = p.tenant_id AND i.profile_id = p.profile_id AND i.reserved_unit = 'base'
         AND i.symbol = p.symbol AND i.released_at IS NULL)
    FROM engine.positions p WHERE p.tenant_id = p_tenant_id AND p.profile_id = p_profile_id
    UNION ALL
    SELECT 'positions', NULL, c.reserved_for_positions, (SELECT coalesce(sum(p.cost), 0) FROM engine.positions p
      WHERE p.tenant_id = c.tenant_id AND p.profile_id = c.profile_id AND NOT p.is_dust)
    FROM engine.profile_capital c WHERE c.tenant_id = p_tenant_id AND c.profile_id = p_profile_id
    UNION ALL
    SELECT 'dust', NULL, c.dust, (SELECT coalesce(sum(p.cost), 0) FROM engine.positions p
      WHERE p.tenant_id = c.tenant_id AND p.profile_id = c.profile_id AND p.is_dust)
    FROM engine.profile_capital c WHERE c.tenant_id = p_tenant_id AND c.profile_id = p_profile_id) d
  WHERE d.held <> d.ledger
$$;
COMMENT ON FUNCTION engine.held_against_ledger IS
  'Differences between rows that hold something and the ledger: [{what, symbol, held, ledger}].';
REVOKE ALL ON FUNCTION engine.held_against_ledger FROM PUBLIC;
