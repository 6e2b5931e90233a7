-- The intents of a profile that hold a reservation, by the index of all such: the unresolved ones, open orders, and
-- those whose fees wait for their value. Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.held_intents(p_tenant_id uuid, p_profile_id uuid)
RETURNS TABLE (intent_id uuid, symbol text, side text, state text, quantity numeric, created_at timestamptz,
  updated_at timestamptz)
LANGUAGE plpgsql STABLE SET search_path = ''
-- in the order of that index and without a sort: the index of all a profile's intents is no way to them
SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
BEGIN
  RETURN QUERY
    SELECT i.intent_id, i.symbol, i.side::text, i.state::text, i.quantity::numeric, i.created_at, i.updated_at
    FROM engine.intents i
    WHERE i.tenant_id = p_tenant_id AND i.profile_id = p_profile_id AND i.released_at IS NULL
    ORDER BY i.symbol;
END
$$;
COMMENT ON FUNCTION engine.held_intents IS
  'The intents of a profile that hold a reservation.';
REVOKE ALL ON FUNCTION engine.held_intents FROM PUBLIC;
