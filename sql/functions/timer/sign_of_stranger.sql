-- The newest thing the ledger knows that shows somebody else at work on an account: an order that stands at the
-- exchange and no intent explains, or a fill of nobody's that was recorded within the last 24 hours. NULL: nothing.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.sign_of_stranger(p_tenant_id uuid, p_account_id uuid, p_now timestamptz)
RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
  RETURN (
    SELECT s.sign FROM (
      SELECT m.last_seen_at AS at, jsonb_build_object('seen', m.kind, 'symbol', m.detail ->> 'symbol',
        'exchange_order_id', m.detail ->> 'exchange_order_id') AS sign
      FROM engine.mismatches m
      WHERE m.tenant_id = p_tenant_id AND m.account_id = p_account_id
        AND m.kind IN ('foreign_order', 'unknown_own_order') AND m.ended_at IS NULL
      UNION ALL
      SELECT f.recorded_at, jsonb_build_object('seen', 'foreign_fill', 'symbol', f.symbol,
        'exchange_order_id', f.exchange_order_id)
      FROM engine.foreign_fills f
      WHERE f.tenant_id = p_tenant_id AND f.account_id = p_account_id AND f.returned_at IS NULL
        AND f.recorded_at > p_now - interval '24 hours') s
    ORDER BY s.at DESC LIMIT 1);
END
$$;
COMMENT ON FUNCTION engine.sign_of_stranger IS
  'What shows that an account is not ours alone, NULL if the ledger knows nothing.';
REVOKE ALL ON FUNCTION engine.sign_of_stranger FROM PUBLIC;
