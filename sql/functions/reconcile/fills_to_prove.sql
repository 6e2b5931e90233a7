-- The fills of a profile that a pass must have been shown: booked since the last complete pass began, real, of an order
-- not touched since this one began, and not older than what was read of their symbol; and those which stand as
-- extra_fill already, however old: a fill that the exchange does not know stays one.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.fills_to_prove(
    p_profile engine.profiles, p_trade_symbols jsonb, p_began timestamptz
)
RETURNS engine.fills[]
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
  v_since bigint := coalesce((SELECT p.pass_id FROM engine.reconciliation_passes p
    WHERE p.tenant_id = p_profile.tenant_id AND p.account_id = p_profile.account_id AND NOT p.dry_run
      AND p.outcome <> 'failed' AND (p.compared ->> 'complete')::boolean
      AND (p.profile_id IS NULL OR p.profile_id = p_profile.profile_id)
    ORDER BY p.pass_id DESC LIMIT 1), 0);
BEGIN
  RETURN ARRAY(
    WITH traded AS MATERIALIZED (
      SELECT DISTINCT e.intent_id FROM engine.trades_since(p_profile.tenant_id, v_since) e
      WHERE e.profile_id = p_profile.profile_id AND e.type IN ('entry_fill', 'exit_fill')
    ), read AS MATERIALIZED (
      SELECT r.symbol, r.since
      FROM jsonb_to_recordset(coalesce(p_trade_symbols, '[]')) AS r (symbol text, since timestamptz)
    ), fresh AS (
      SELECT f.*
      FROM traded t, LATERAL (SELECT o.updated_at FROM engine.orders o WHERE o.tenant_id = p_profile.tenant_id
          AND o.intent_id = t.intent_id LIMIT 1) o,
        LATERAL (SELECT * FROM engine.fills f WHERE f.tenant_id = p_profile.tenant_id
          AND f.intent_id = t.intent_id AND f.event_id > v_since OFFSET 0) f, read r
      WHERE o.updated_at <= p_began AND NOT f.inferred AND f.superseded_at IS NULL
        AND r.symbol = f.symbol AND f.exchange_time >= r.since
    ), standing AS (
      SELECT f.* FROM engine.mismatches m, LATERAL (SELECT * FROM engine.fills f
        WHERE f.tenant_id = p_profile.tenant_id AND f.account_id = p_profile.account_id
          AND f.symbol = m.detail ->> 'symbol' AND f.exchange_order_id = m.detail ->> 'exchange_order_id'
          AND f.exchange_trade_id = m.detail ->> 'exchange_trade_id' LIMIT 1) f
      WHERE m.tenant_id = p_profile.tenant_id AND m.account_id = p_profile.account_id AND m.kind = 'extra_fill'
        AND m.profile_id = p_profile.profile_id AND m.ended_at IS NULL AND f.superseded_at IS NULL
    )
    SELECT ROW(f.*)::engine.fills FROM (SELECT * FROM fresh UNION SELECT * FROM standing) f);
END
$$;
COMMENT ON FUNCTION engine.fills_to_prove IS
  'The fills that a pass must have been shown.';
REVOKE ALL ON FUNCTION engine.fills_to_prove FROM PUBLIC;
