-- Orders at the exchange that no intent explains: {mismatches, explained}. With our tag: unknown_own_order, which
-- stands until an operator assigns it, whether it is still shown or not. Without: foreign_order, shown while it is
-- open, never adopted. What was assigned, or is an order of ours by now, is left out.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.unknown_orders(p_account engine.exchange_accounts, p_part jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
  RETURN (
    WITH given AS MATERIALIZED (
      SELECT DISTINCT ON (g.symbol, g.exchange_order_id) g.*
      FROM (
        SELECT 'unknown_own_order' AS kind, o AS report
        FROM jsonb_array_elements(coalesce(p_part -> 'own_orders', '[]')) o
        UNION ALL
        SELECT 'foreign_order', o FROM jsonb_array_elements(coalesce(p_part -> 'foreign_orders', '[]')) o
        WHERE coalesce(o ->> 'status', 'open') = 'open') w
      CROSS JOIN LATERAL (SELECT w.kind, w.report, w.report ->> 'symbol' AS symbol,
        w.report ->> 'exchange_order_id' AS exchange_order_id) g
      ORDER BY g.symbol, g.exchange_order_id, g.kind DESC
    ), named AS (
      SELECT g.kind, g.symbol, g.exchange_order_id, g.report - 'symbol' - 'exchange_order_id' AS detail FROM given g
      UNION ALL
      SELECT m.kind, m.detail ->> 'symbol', m.detail ->> 'exchange_order_id',
        m.detail - 'symbol' - 'exchange_order_id'
      FROM engine.mismatches m
      WHERE m.tenant_id = p_account.tenant_id AND m.account_id = p_account.account_id
        AND m.kind = 'unknown_own_order' AND m.ended_at IS NULL
        AND NOT EXISTS (SELECT FROM given g WHERE g.symbol = m.detail ->> 'symbol'
                        AND g.exchange_order_id = m.detail ->> 'exchange_order_id')
    ), unknown AS (
      SELECT n.*, n.symbol || ':' || n.exchange_order_id AS key
      FROM named n
      LEFT JOIN LATERAL (SELECT o.intent_id FROM engine.orders o WHERE o.tenant_id = p_account.tenant_id
        AND o.account_id = p_account.account_id AND o.symbol = n.symbol
        AND o.exchange_order_id = n.exchange_order_id LIMIT 1) o ON true
      LEFT JOIN LATERAL (SELECT i.intent_id FROM engine.intents i WHERE i.tenant_id = p_account.tenant_id
        AND i.client_order_id = n.detail ->> 'client_order_id' AND i.account_id = p_account.account_id
        AND i.symbol = n.symbol LIMIT 1) i ON true
      LEFT JOIN LATERAL (SELECT m.mismatch_id FROM engine.mismatches m WHERE m.tenant_id = p_account.tenant_id
        AND m.account_id = p_account.account_id AND m.key = n.symbol || ':' || n.exchange_order_id
        AND m.state = 'assigned' LIMIT 1) m ON true
      WHERE o.intent_id IS NULL AND i.intent_id IS NULL AND m.mismatch_id IS NULL
    ), shown AS (
      SELECT u.kind, jsonb_build_object('kind', u.kind, 'key', u.key, 'symbol', u.symbol,
        'exchange_order_id', u.exchange_order_id, 'detail', u.detail) AS mismatch
      FROM unknown u ORDER BY u.key
    )
    SELECT jsonb_build_object(
      'mismatches', coalesce(jsonb_agg(s.mismatch) FILTER (WHERE s.kind = 'unknown_own_order'), '[]'),
      'explained', coalesce(jsonb_agg(s.mismatch) FILTER (WHERE s.kind = 'foreign_order'), '[]'))
    FROM shown s);
END
$$;
COMMENT ON FUNCTION engine.unknown_orders IS
  'Orders at the exchange that no intent explains.';
REVOKE ALL ON FUNCTION engine.unknown_orders FROM PUBLIC;
