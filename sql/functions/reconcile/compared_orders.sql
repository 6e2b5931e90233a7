-- What is to be looked at of a profile's orders, each beside its report, and how many there are in all. An order that
-- is open and listed exactly as it is booked is counted only: nearly all are. One that was held for absent holds
-- nothing any more, so open orders are found by what they reserve and by their status. Of two reports of one order the
-- more advanced counts; an intent with reports under several exchange order ids gets a row for each.
-- p_orders holds columns: {intent_id [], exchange_order_id [], status [], side [], filled_quantity [], quantity []}.
-- Nearly all are read in two scans, what a profile holds and what of it is open; only the rest is found by its key.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.compared_orders(
    p_profile engine.profiles, p_orders jsonb, p_began timestamptz,
    OUT orders engine.compared_order[], OUT compared bigint
)
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
  WITH given AS MATERIALIZED (
    SELECT DISTINCT ON (g.intent_id, g.exchange_order_id) g.*
    FROM engine.shown_orders(p_orders) g
    ORDER BY g.intent_id, g.exchange_order_id, coalesce(g.status <> 'open', false) DESC,
      g.filled_quantity DESC NULLS LAST
  ), held AS MATERIALIZED (
    SELECT * FROM engine.held_intents(p_profile.tenant_id, p_profile.profile_id)
  ), opened AS MATERIALIZED (
    SELECT * FROM engine.open_orders(p_profile)
  ), mine AS (
    SELECT * FROM held
    UNION ALL
    SELECT i.* FROM (SELECT n.intent_id FROM (SELECT g.intent_id FROM given g UNION SELECT p.intent_id FROM opened p) n
      WHERE NOT EXISTS (SELECT FROM held h WHERE h.intent_id = n.intent_id)) g
    CROSS JOIN LATERAL (SELECT i.intent_id, i.symbol, i.side::text, i.state::text, i.quantity::numeric, i.created_at,
        i.updated_at
      FROM engine.intents i WHERE i.tenant_id = p_profile.tenant_id AND i.intent_id = g.intent_id
        AND i.profile_id = p_profile.profile_id LIMIT 1) i
  ), placed AS (
    SELECT * FROM opened
    UNION ALL
    SELECT o.* FROM mine m
    CROSS JOIN LATERAL (SELECT o.intent_id, o.status::text, o.exchange_order_id, o.reported_status::text,
        o.filled_quantity::numeric, o.booked_quantity::numeric, o.updated_at
      FROM engine.orders o WHERE o.tenant_id = p_profile.tenant_id AND o.intent_id = m.intent_id LIMIT 1) o
    WHERE NOT EXISTS (SELECT FROM opened p WHERE p.intent_id = m.intent_id)
  ), beside AS MATERIALIZED (
    SELECT m.*, o.status, o.exchange_order_id, o.reported_status, o.filled_quantity, o.booked_quantity,
      greatest(m.updated_at, o.updated_at) > p_began AS touched, g.intent_id IS NOT NULL AS shown,
      g.exchange_order_id AS shown_order_id, g.status AS shown_status, g.filled_quantity AS shown_filled,
      g.side AS shown_side, g.quantity AS shown_quantity
    FROM mine m
    LEFT JOIN placed o ON o.intent_id = m.intent_id
    LEFT JOIN given g ON g.intent_id = m.intent_id
  ), rows AS (
    SELECT ROW(b.intent_id, b.symbol, b.side, b.state, b.status, b.exchange_order_id, b.reported_status, b.quantity,
      b.filled_quantity, b.booked_quantity, b.created_at, b.touched, b.shown,
      CASE WHEN b.shown_order_id = b.exchange_order_id THEN true WHEN b.shown THEN EXISTS (SELECT FROM given g
        WHERE g.intent_id = b.intent_id AND g.exchange_order_id = b.exchange_order_id) ELSE false END,
      b.shown_order_id, b.shown_status,
      CASE b.shown_status WHEN 'filled' THEN greatest(b.shown_filled, b.quantity) ELSE b.shown_filled END,
      b.shown_side, b.shown_quantity)::engine.compared_order AS compared_order
    FROM beside b
    WHERE (b.status = 'open' OR b.shown)
      AND (NOT b.touched AND b.status = 'open' AND b.shown_status = 'open' AND b.shown_order_id = b.exchange_order_id
        AND b.filled_quantity = b.booked_quantity AND b.shown_filled = b.booked_quantity AND b.shown_side = b.side
        AND b.shown_quantity = b.quantity) IS NOT TRUE
  )
  SELECT (SELECT coalesce(array_agg(r.compared_order), '{}') FROM rows r),
    (SELECT count(*) FROM beside b WHERE b.status = 'open' OR b.shown)
  INTO orders, compared;
END
$$;
COMMENT ON FUNCTION engine.compared_orders IS
  'What is to be looked at of a profile''s orders, beside their reports.';
REVOKE ALL ON FUNCTION engine.compared_orders FROM PUBLIC;
