-- States what the exchange must hold, per asset: quote = sum of available + reserved for orders, base = sum of
-- positions, both plus unassigned. An asset can be quote of one profile and base of another. One snapshot, read only.
-- Locks nothing, writes nothing. Raises HF403 foreign tenant; HF404 no such account.
CREATE OR REPLACE FUNCTION engine.fn_account_equations(p_tenant_id uuid, p_account_id uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  PERFORM engine.require_account(p_tenant_id, p_account_id);
  RETURN (
    SELECT coalesce(jsonb_agg(jsonb_build_object('asset', a.asset, 'profiles', trim_scale(a.profiles)::text,
      'unassigned', trim_scale(a.unassigned)::text,
      'expected_exchange_balance', trim_scale(a.profiles + a.unassigned)::text) ORDER BY a.asset), '[]')
    FROM (
      SELECT h.asset, sum(h.profiles) AS profiles, sum(h.unassigned) AS unassigned
      FROM (
        SELECT p.quote_asset AS asset, c.available + c.reserved_for_orders AS profiles, 0::numeric AS unassigned
        FROM engine.profiles p JOIN engine.profile_capital c USING (tenant_id, profile_id)
        WHERE p.tenant_id = p_tenant_id AND p.account_id = p_account_id
        UNION ALL
        SELECT s.base_asset, s.quantity, 0 FROM engine.positions s
        WHERE s.tenant_id = p_tenant_id AND s.account_id = p_account_id
        UNION ALL
        SELECT u.asset, 0, u.quantity FROM engine.unassigned_holdings u
        WHERE u.tenant_id = p_tenant_id AND u.account_id = p_account_id) h
      GROUP BY h.asset) a);
END
$$;
COMMENT ON FUNCTION engine.fn_account_equations IS
  'Per asset {asset, profiles, unassigned, expected_exchange_balance}, ordered by asset.';
REVOKE ALL ON FUNCTION engine.fn_account_equations FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_account_equations TO holdfast_engine, holdfast_operator, holdfast_reader;
