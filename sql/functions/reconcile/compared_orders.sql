-- The open orders of a profile and every intent of its that the exchange reported, each beside its report. Of two
-- reports of one order the more advanced counts. An intent with reports under several exchange order ids gets a row
-- for each. Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.compared_orders(p_profile engine.profiles, p_orders jsonb, p_began timestamptz)
RETURNS engine.compared_order[]
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
  RETURN ARRAY(
    WITH given AS MATERIALIZED (
      SELECT DISTINCT ON (g.intent_id, g.exchange_order_id) g.*
      FROM jsonb_to_recordset(coalesce(p_orders, '[]')) AS g (intent_id uuid, exchange_order_id text, status text,
        filled_quantity numeric, side text, quantity numeric)
      ORDER BY g.intent_id, g.exchange_order_id, coalesce(g.status <> 'open', false) DESC,
        g.filled_quantity DESC NULLS LAST
    ), listed AS MATERIALIZED (
      SELECT o.intent_id FROM engine.orders o
      WHERE o.tenant_id = p_profile.tenant_id AND o.account_id = p_profile.account_id AND o.status = 'open'
        AND o.profile_id = p_profile.profile_id
      UNION
      SELECT intent_id FROM given
    )
    SELECT ROW(i.intent_id, i.symbol, i.side, i.state, o.status, o.exchange_order_id, o.reported_status, i.quantity,
      o.filled_quantity, o.booked_quantity, i.created_at, greatest(i.updated_at, o.updated_at) > p_began,
      g.intent_id IS NOT NULL, g.exchange_order_id, g.status,
      CASE g.status WHEN 'filled' THEN greatest(g.filled_quantity, i.quantity) ELSE g.filled_quantity END,
      g.side, g.quantity)::engine.compared_order
    FROM listed l
    CROSS JOIN LATERAL (SELECT i.intent_id, i.symbol, i.side, i.state, i.quantity, i.created_at, i.updated_at
      FROM engine.intents i WHERE i.tenant_id = p_profile.tenant_id
      AND i.intent_id = l.intent_id AND i.profile_id = p_profile.profile_id LIMIT 1) i
    LEFT JOIN LATERAL (SELECT o.status, o.exchange_order_id, o.reported_status, o.filled_quantity, o.booked_quantity,
        o.updated_at FROM engine.orders o WHERE o.tenant_id = p_profile.tenant_id
      AND o.intent_id = l.intent_id LIMIT 1) o ON true
    LEFT JOIN given g ON g.intent_id = l.intent_id);
END
$$;
COMMENT ON FUNCTION engine.compared_orders IS
  'A profile''s open and reported orders beside their reports.';
REVOKE ALL ON FUNCTION engine.compared_orders FROM PUBLIC;
