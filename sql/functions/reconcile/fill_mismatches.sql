-- The differences between a profile's fills and the trades a pass was shown: missing_fill (not booked), fill_differs
-- (booked with another price or quantity; the booked one stands), extra_fill (booked, within what was read of its
-- symbol, not shown), inferred_open (real trades have not replaced it yet). Extra are looked for among what was booked
-- since the last complete pass and what stands as extra already. Fills of touched orders are left out.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.fill_mismatches(
    p_profile engine.profiles, p_fills engine.compared_fill[], p_trade_symbols jsonb, p_began timestamptz
)
RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
  RETURN (
    WITH shown AS (
      SELECT CASE WHEN f.booked_price IS NULL THEN 'missing_fill' ELSE 'fill_differs' END AS kind, f.intent_id,
        f.symbol, f.exchange_order_id, f.exchange_trade_id, f.price, f.quantity, f.exchange_time, f.booked_price,
        f.booked_quantity
      FROM unnest(p_fills) f
      WHERE NOT f.touched AND (f.booked_price IS NULL OR NOT (engine.same_number(f.price, f.booked_price)
        AND engine.same_number(f.quantity, f.booked_quantity)))
    ), extra AS (
      SELECT 'extra_fill', f.intent_id, f.symbol, f.exchange_order_id, f.exchange_trade_id, NULL::numeric,
        NULL::numeric, f.exchange_time, f.price::numeric, f.quantity::numeric
      FROM unnest(engine.fills_to_prove(p_profile, p_trade_symbols, p_began)) f
      WHERE NOT EXISTS (SELECT FROM unnest(p_fills) s WHERE s.symbol = f.symbol
        AND s.exchange_order_id = f.exchange_order_id AND s.exchange_trade_id = f.exchange_trade_id)
    ), inferred AS (
      SELECT 'inferred_open', o.intent_id, o.symbol, o.exchange_order_id, n.exchange_trade_id, NULL::numeric,
        NULL::numeric, o.exchange_time, NULL::numeric, (n.quantity - n.replaced_quantity)::numeric
      FROM engine.inferred_fills n, LATERAL (SELECT * FROM engine.orders o WHERE o.tenant_id = n.tenant_id
        AND o.intent_id = n.intent_id LIMIT 1) o
      WHERE n.tenant_id = p_profile.tenant_id AND n.replaced_quantity < n.quantity
        AND o.profile_id = p_profile.profile_id AND o.updated_at <= p_began
    )
    SELECT coalesce(jsonb_agg(jsonb_build_object('kind', f.kind, 'profile_id', p_profile.profile_id,
      'key', f.symbol || ':' || f.exchange_order_id || ':' || f.exchange_trade_id, 'intent_id', f.intent_id,
      'symbol', f.symbol, 'exchange_order_id', f.exchange_order_id, 'detail', jsonb_strip_nulls(jsonb_build_object(
        'exchange_trade_id', f.exchange_trade_id, 'exchange_time', f.exchange_time,
        'price', trim_scale(f.price)::text, 'quantity', trim_scale(f.quantity)::text,
        'booked_price', trim_scale(f.booked_price)::text, 'booked_quantity', trim_scale(f.booked_quantity)::text)))
      ORDER BY f.exchange_time, f.symbol, f.exchange_trade_id), '[]')
    FROM (SELECT * FROM shown UNION ALL SELECT * FROM extra UNION ALL SELECT * FROM inferred) f);
END
$$;
COMMENT ON FUNCTION engine.fill_mismatches IS
  'The differences between a profile''s fills and the trades it was shown.';
REVOKE ALL ON FUNCTION engine.fill_mismatches FROM PUBLIC;
