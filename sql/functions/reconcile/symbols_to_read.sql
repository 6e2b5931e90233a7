-- The symbols of an account whose trades a pass reads, each with the moment since when: [{symbol, since, trade_id,
-- open, hot}]. Every symbol that was ever ordered is one (found by skipping through the orders' key), and those asked
-- for within the last day: an order that was held for absent shows in one of them. Nothing is read from
-- before engine.read_from.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.symbols_to_read(p_account engine.exchange_accounts, p_now timestamptz)
RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
  RETURN (
    WITH RECURSIVE ordered (symbol) AS (
      (SELECT o.symbol FROM engine.orders o
       WHERE o.tenant_id = p_account.tenant_id AND o.account_id = p_account.account_id ORDER BY o.symbol LIMIT 1)
      UNION ALL
      SELECT (SELECT o.symbol FROM engine.orders o
              WHERE o.tenant_id = p_account.tenant_id AND o.account_id = p_account.account_id AND o.symbol > s.symbol
              ORDER BY o.symbol LIMIT 1)
      FROM ordered s WHERE s.symbol IS NOT NULL
    ), unresolved AS MATERIALIZED (
      SELECT i.symbol, min(i.created_at) AS since FROM engine.unresolved_intents(p_account) i GROUP BY i.symbol
    ), held AS MATERIALIZED (
      SELECT s.symbol, max(s.updated_at) AS traded_at, bool_or(s.quantity > 0) AS holding
      FROM engine.profiles p JOIN engine.positions s USING (tenant_id, profile_id)
      WHERE p.tenant_id = p_account.tenant_id AND p.account_id = p_account.account_id
      GROUP BY s.symbol
    ), recent AS MATERIALIZED (
      SELECT DISTINCT i.symbol FROM engine.profiles p
      CROSS JOIN LATERAL (SELECT i.symbol, i.created_at FROM engine.intents i WHERE i.tenant_id = p.tenant_id
        AND i.profile_id = p.profile_id ORDER BY i.intent_id DESC LIMIT 500) i
      WHERE p.tenant_id = p_account.tenant_id AND p.account_id = p_account.account_id
        AND i.created_at > p_now - interval '1 day'
    ), symbols AS (
      SELECT symbol FROM ordered WHERE symbol IS NOT NULL
      UNION SELECT symbol FROM unresolved
      UNION SELECT symbol FROM recent
      UNION SELECT symbol FROM held
      UNION SELECT symbol FROM engine.trade_cursors
        WHERE tenant_id = p_account.tenant_id AND account_id = p_account.account_id
    )
    SELECT coalesce(jsonb_agg(jsonb_build_object('symbol', s.symbol, 'trade_id', c.exchange_trade_id, 'open', n.open,
      'since', greatest(engine.read_from(p_account), least(c.exchange_time - interval '1 minute',
        u.since - interval '10 seconds',
        CASE WHEN c.symbol IS NULL THEN engine.read_from(p_account) END)),
      'hot', n.open > 0 OR u.symbol IS NOT NULL OR r.symbol IS NOT NULL OR c.symbol IS NULL
        OR coalesce(h.holding OR h.traded_at > p_now - interval '1 day', false)) ORDER BY s.symbol), '[]')
    FROM symbols s
    LEFT JOIN LATERAL (SELECT * FROM engine.trade_cursors WHERE tenant_id = p_account.tenant_id
      AND account_id = p_account.account_id AND symbol = s.symbol LIMIT 1) c ON true
    LEFT JOIN unresolved u ON u.symbol = s.symbol
    LEFT JOIN held h ON h.symbol = s.symbol
    LEFT JOIN recent r ON r.symbol = s.symbol
    CROSS JOIN LATERAL (SELECT count(*) AS open FROM engine.orders o WHERE o.tenant_id = p_account.tenant_id
      AND o.account_id = p_account.account_id AND o.symbol = s.symbol AND o.status = 'open') n);
END
$$;
COMMENT ON FUNCTION engine.symbols_to_read IS
  'Symbols of an account with the moment since when their trades are needed.';
REVOKE ALL ON FUNCTION engine.symbols_to_read FROM PUBLIC;
