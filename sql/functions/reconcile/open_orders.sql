-- A profile's open orders, by the index of all such. Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.open_orders(p_profile engine.profiles)
RETURNS TABLE (intent_id uuid, status text, exchange_order_id text, reported_status text, filled_quantity numeric,
  booked_quantity numeric, updated_at timestamptz)
LANGUAGE plpgsql STABLE SET search_path = ''
-- planned for the tables as they are: the keys of all orders are no way to the open ones
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off
AS $$
BEGIN
  RETURN QUERY
    SELECT o.intent_id, o.status::text, o.exchange_order_id, o.reported_status::text, o.filled_quantity::numeric,
      o.booked_quantity::numeric, o.updated_at
    FROM engine.orders o
    WHERE o.tenant_id = p_profile.tenant_id AND o.account_id = p_profile.account_id AND o.status = 'open'
      AND o.profile_id = p_profile.profile_id;
END
$$;
COMMENT ON FUNCTION engine.open_orders IS
  'A profile''s open orders.';
REVOKE ALL ON FUNCTION engine.open_orders FROM PUBLIC;
