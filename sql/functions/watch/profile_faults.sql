-- Lists what a profile holds without a cause, and what should hold something and does not. One snapshot (STABLE).
-- An open reservation belongs to an unresolved intent or to an order that is open or waits for a fee's value, and
-- the other way round; a confirmed intent has its order; an entry lock is an unresolved entry: one for each symbol.
-- An order that was found after its reservation was released (false absence) is no fault: its profile has halted.
-- Looks at what is open; with p_all at every intent and order that ever was. Locks nothing, writes nothing.
CREATE OR REPLACE FUNCTION engine.profile_faults(p_tenant_id uuid, p_profile_id uuid, p_all boolean)
RETURNS TABLE ("check" text, what text, intent_id uuid, symbol text, detail text)
LANGUAGE sql STABLE SET search_path = ''
AS $$
  WITH held AS MATERIALIZED (
    SELECT i.intent_id, i.symbol, i.state, o.status, o.unvalued_fees
    FROM engine.intents i LEFT JOIN engine.orders o ON o.tenant_id = i.tenant_id AND o.intent_id = i.intent_id
    WHERE i.tenant_id = p_tenant_id AND i.profile_id = p_profile_id
      AND i.released_at IS NULL AND i.reserved_amount IS NOT NULL
  ), unresolved AS MATERIALIZED (
    SELECT i.intent_id, i.kind, i.symbol, i.state, i.reserved_amount IS NOT NULL AND i.released_at IS NULL AS holds
    FROM engine.unresolved(p_tenant_id) i WHERE i.profile_id = p_profile_id
  ), open AS MATERIALIZED (
    SELECT o.intent_id, o.symbol, o.status, i.state,
      coalesce(i.reserved_amount IS NOT NULL AND coalesce(i.released_at <= o.created_at, true), false) AS holds
    FROM engine.orders o LEFT JOIN engine.intents i ON i.tenant_id = o.tenant_id AND i.intent_id = o.intent_id
    WHERE o.tenant_id = p_tenant_id AND o.status = 'open' AND o.profile_id = p_profile_id
      AND o.account_id = (SELECT p.account_id FROM engine.profiles p
                          WHERE p.tenant_id = p_tenant_id AND p.profile_id = p_profile_id)
  ), apart AS (
    SELECT i.intent_id AS intent, o.intent_id AS placed, coalesce(i.symbol, o.symbol) AS symbol, i.state, o.status
    FROM (SELECT * FROM engine.intents t WHERE t.tenant_id = p_tenant_id AND t.profile_id = p_profile_id) i
    FULL JOIN (SELECT * FROM engine.orders r WHERE r.tenant_id = p_tenant_id AND r.profile_id = p_profile_id) o
      ON o.intent_id = i.intent_id
    WHERE p_all AND (i.state IS NOT DISTINCT FROM 'confirmed') <> (o.intent_id IS NOT NULL)
    UNION
    SELECT CASE WHEN o.state IS NOT NULL THEN o.intent_id END, o.intent_id, o.symbol, o.state, o.status
    FROM open o WHERE o.state IS DISTINCT FROM 'confirmed'
    UNION
    SELECT h.intent_id, NULL, h.symbol, h.state, NULL FROM held h WHERE h.state = 'confirmed' AND h.status IS NULL
  )
  SELECT 'reservations', 'held by nothing', h.intent_id, h.symbol, coalesce(h.status, h.state)
  FROM held h
  WHERE NOT coalesce(h.state IN ('sending', 'in_doubt', 'needs_operator')
    OR (h.state = 'confirmed' AND (h.status = 'open' OR h.unvalued_fees > 0)), false)
  UNION ALL
  SELECT 'reservations', 'nothing held', u.intent_id, u.symbol, u.state FROM unresolved u WHERE NOT u.holds
  UNION ALL
  SELECT 'reservations', 'nothing held', o.intent_id, o.symbol, 'order ' || o.status FROM open o WHERE NOT o.holds
  UNION ALL
  SELECT 'orders', 'intent and order differ', coalesce(a.intent, a.placed), a.symbol,
    coalesce(a.state, 'no intent') || ', ' || coalesce('order ' || a.status, 'no order')
  FROM apart a
  UNION ALL
  SELECT 'entry_locks', 'two unresolved entries', max(u.intent_id::text)::uuid, u.symbol, count(*)::text
  FROM unresolved u WHERE u.kind = 'entry' GROUP BY u.symbol HAVING count(*) > 1
  UNION ALL
  SELECT 'invariant', CASE WHEN c.available < 0 THEN 'active below zero' ELSE 'available is not the formula' END,
    NULL, NULL, trim_scale(c.available)::text
  FROM engine.profile_capital c
  WHERE c.tenant_id = p_tenant_id AND c.profile_id = p_profile_id AND ((c.available < 0 AND c.mode = 'active') OR
    c.available <> c.allocated - c.reserved_for_orders - (c.reserved_for_positions + c.dust) + (c.trading_pnl - c.fees))
  UNION ALL
  SELECT 'invariant', 'exits for more than is held', NULL, s.symbol, trim_scale(s.reserved_quantity)::text
  FROM engine.positions s JOIN engine.profile_capital c USING (tenant_id, profile_id)
  WHERE s.tenant_id = p_tenant_id AND s.profile_id = p_profile_id AND s.reserved_quantity > s.quantity
    AND c.mode <> 'halted'
$$;
COMMENT ON FUNCTION engine.profile_faults IS
  'Faults of a profile that its journal does not show, by check.';
REVOKE ALL ON FUNCTION engine.profile_faults FROM PUBLIC;
