-- Lists what a profile holds without a cause, and what should hold something and does not. One snapshot (STABLE).
-- An open reservation belongs to an unresolved intent or to an order that is open or waits for a fee's value, and
-- the other way round; a confirmed intent has its order; an entry lock is an unresolved entry: one for each symbol.
-- An order that was found after its reservation was released (false absence) is no fault: its profile has halted.
-- Locks nothing, writes nothing.
CREATE OR REPLACE FUNCTION engine.profile_faults(p_tenant_id uuid, p_profile_id uuid)
RETURNS TABLE ("check" text, what text, intent_id uuid, symbol text, detail text)
LANGUAGE sql STABLE SET search_path = ''
AS $$
  WITH intent AS (
    SELECT i.intent_id, i.kind, i.symbol, i.state, i.state IN ('sending', 'in_doubt', 'needs_operator') AS unresolved
    FROM engine.intents i WHERE i.tenant_id = p_tenant_id AND i.profile_id = p_profile_id
  ), placed AS (
    SELECT o.intent_id, o.symbol, o.status, o.unvalued_fees, o.created_at
    FROM engine.orders o WHERE o.tenant_id = p_tenant_id AND o.profile_id = p_profile_id
  ), reserved AS (
    SELECT r.intent_id, r.released_at
    FROM engine.reservations r WHERE r.tenant_id = p_tenant_id AND r.profile_id = p_profile_id
  )
  SELECT 'reservations', 'held by nothing', r.intent_id, i.symbol, coalesce(o.status, i.state, 'no intent')
  FROM reserved r LEFT JOIN intent i USING (intent_id) LEFT JOIN placed o USING (intent_id)
  WHERE r.released_at IS NULL
    AND NOT coalesce(i.unresolved OR (i.state = 'confirmed' AND (o.status = 'open' OR o.unvalued_fees > 0)), false)
  UNION ALL
  SELECT 'reservations', 'nothing held', i.intent_id, i.symbol, i.state
  FROM intent i LEFT JOIN reserved r USING (intent_id)
  WHERE i.unresolved AND (r.intent_id IS NULL OR r.released_at IS NOT NULL)
  UNION ALL
  SELECT 'reservations', 'nothing held', o.intent_id, o.symbol, 'order ' || o.status
  FROM placed o LEFT JOIN reserved r USING (intent_id)
  WHERE o.status = 'open' AND (r.intent_id IS NULL OR r.released_at > o.created_at)
  UNION ALL
  SELECT 'orders', 'intent and order differ', coalesce(i.intent_id, o.intent_id), coalesce(i.symbol, o.symbol),
    coalesce(i.state, 'no intent') || ', ' || coalesce('order ' || o.status, 'no order')
  FROM intent i FULL JOIN placed o USING (intent_id)
  WHERE (i.state IS NOT DISTINCT FROM 'confirmed') <> (o.intent_id IS NOT NULL)
  UNION ALL
  SELECT 'entry_locks', 'two unresolved entries', max(i.intent_id::text)::uuid, i.symbol, count(*)::text
  FROM intent i WHERE i.unresolved AND i.kind = 'entry' GROUP BY i.symbol HAVING count(*) > 1
  UNION ALL
  SELECT 'invariant', CASE WHEN c.available < 0 THEN 'active below zero' ELSE 'available is not the formula' END,
    NULL, NULL, trim_scale(c.available)::text
  FROM engine.profile_capital c
  WHERE c.tenant_id = p_tenant_id AND c.profile_id = p_profile_id AND ((c.available < 0 AND c.mode = 'active') OR
    c.available <> c.allocated - c.reserved_for_orders - (c.reserved_for_positions + c.dust) + (c.trading_pnl - c.fees))
$$;
COMMENT ON FUNCTION engine.profile_faults IS
  'Faults of a profile that its journal does not show, by check.';
REVOKE ALL ON FUNCTION engine.profile_faults FROM PUBLIC;
