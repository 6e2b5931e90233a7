-- The intents of a profile's open orders. Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.open_orders(p_profile engine.profiles)
RETURNS uuid[]
LANGUAGE plpgsql STABLE SET search_path = ''
-- planned for the tables as they are: the keys of all orders are no way to the open ones
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off
AS $$
BEGIN
  RETURN ARRAY(SELECT o.intent_id FROM engine.orders o
    WHERE o.tenant_id = p_profile.tenant_id AND o.account_id = p_profile.account_id AND o.status = 'open'
      AND o.profile_id = p_profile.profile_id);
END
$$;
COMMENT ON FUNCTION engine.open_orders IS
  'The intents of a profile''s open orders.';
REVOKE ALL ON FUNCTION engine.open_orders FROM PUBLIC;
