-- The differences between a profile's orders and their reports: [{kind, key, profile_id, intent_id, symbol,
-- exchange_order_id, detail}]. Touched rows are left out. One row can differ in more than one way; what its shown and
-- unbooked trades explain is no difference of its own.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.order_mismatches(
    p_profile engine.profiles, p_orders engine.compared_order[], p_fills engine.compared_fill[], p_open_symbols jsonb
)
RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
  RETURN (
    WITH unbooked AS MATERIALIZED (
      SELECT f.intent_id, sum(f.quantity) AS quantity FROM unnest(p_fills) f
      WHERE f.booked_price IS NULL GROUP BY f.intent_id
    ), rows AS MATERIALIZED (
      -- same: the report is of the order that the ledger has, not of another one under its client order id
      SELECT o.*, coalesce(o.shown_order_id = o.exchange_order_id, false) AS same, coalesce(u.quantity, 0) AS unbooked
      FROM unnest(p_orders) o LEFT JOIN unbooked u ON u.intent_id = o.intent_id WHERE NOT o.touched
    ), found AS (
      SELECT r.*, k.kind FROM rows r, LATERAL unnest(ARRAY[
        CASE WHEN r.shown AND r.status IS NULL THEN 'missing_order' END,
        CASE WHEN r.shown AND r.status IS NOT NULL AND NOT r.same THEN 'duplicate_order' END,
        CASE WHEN r.shown AND r.shown_side <> r.side THEN 'side_differs' END,
        CASE WHEN r.shown AND NOT engine.same_number(r.shown_quantity, r.quantity) THEN 'quantity_differs' END,
        CASE WHEN r.same AND (r.status = 'open' AND r.shown_status <> 'open'
            AND r.reported_before IS DISTINCT FROM r.shown_status OR r.status <> 'open' AND r.shown_status = 'open'
            OR r.status IN ('canceled', 'expired') AND r.shown_status = 'filled') THEN 'status_differs' END,
        CASE WHEN r.status IS NOT NULL AND (r.same AND r.shown_filled > r.booked + r.unbooked
              AND NOT engine.same_number(r.shown_filled, r.booked + r.unbooked)
            OR NOT r.shown AND r.status = 'open' AND r.filled > r.booked + r.unbooked) THEN 'filled_differs' END,
        CASE WHEN r.same AND r.shown_filled < r.booked AND NOT engine.same_number(r.shown_filled, r.booked)
          THEN 'filled_less' END,
        CASE WHEN r.status = 'open' AND NOT r.listed AND r.reported_before IS NULL AND p_open_symbols ? r.symbol
            AND r.booked + r.unbooked < r.quantity THEN 'order_not_listed' END]) k (kind)
      WHERE k.kind IS NOT NULL
    )
    SELECT coalesce(jsonb_agg(jsonb_build_object('kind', f.kind, 'profile_id', p_profile.profile_id,
      'key', f.intent_id || CASE f.kind WHEN 'duplicate_order' THEN ':' || f.shown_order_id ELSE '' END,
      'intent_id', f.intent_id, 'symbol', f.symbol,
      'exchange_order_id', CASE WHEN f.kind = 'order_not_listed' THEN f.exchange_order_id
        ELSE coalesce(f.shown_order_id, f.exchange_order_id) END,
      'detail', jsonb_build_object('ledger', jsonb_strip_nulls(jsonb_build_object('state', f.state,
          'status', f.status, 'exchange_order_id', f.exchange_order_id, 'reported_status', f.reported_before,
          'side', f.side, 'quantity', trim_scale(f.quantity)::text, 'filled_quantity', trim_scale(f.filled)::text,
          'booked_quantity', trim_scale(f.booked)::text)),
        'exchange', CASE WHEN f.shown THEN jsonb_strip_nulls(jsonb_build_object('status', f.shown_status,
          'exchange_order_id', f.shown_order_id, 'side', f.shown_side,
          'quantity', trim_scale(f.shown_quantity)::text, 'filled_quantity', trim_scale(f.shown_filled)::text)) END,
        'unbooked_in_part', trim_scale(f.unbooked)::text, 'created_at', f.created_at))
      ORDER BY f.intent_id, f.kind), '[]')
    FROM found f);
END
$$;
COMMENT ON FUNCTION engine.order_mismatches IS
  'The differences between a profile''s orders and their reports.';
REVOKE ALL ON FUNCTION engine.order_mismatches FROM PUBLIC;
