-- The unresolved intents of a tenant, the first to expire first, by the index of all such, which is short. Everybody who
-- looks for them asks here: its CASE is opaque to the planner, so that no look for a single intent takes that index, and
-- without an order to keep this one would not take it either.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.unresolved(p_tenant_id uuid) RETURNS SETOF engine.intents
LANGUAGE plpgsql STABLE SET search_path = '' ROWS 10
SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
  RETURN QUERY
    SELECT i.* FROM engine.intents i
    WHERE CASE WHEN i.state IN ('sending', 'in_doubt', 'needs_operator') THEN true END AND i.tenant_id = p_tenant_id
    ORDER BY i.expires_at;
END
$$;
COMMENT ON FUNCTION engine.unresolved(uuid) IS 'the unresolved intents of a tenant';
REVOKE ALL ON FUNCTION engine.unresolved(uuid) FROM PUBLIC;
