-- Lists intents that somebody must look at: sending past their expiry, or in doubt; the longest expired first.
-- Belongs to holdfast_scheduler; ids and states only, the rest is read as that tenant.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.fn_due_intents(p_limit integer)
RETURNS TABLE (tenant_id uuid, account_id uuid, intent_id uuid, state text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
-- in the order of the unresolved intents' index: nothing else shall read all intents for the few of them
SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
BEGIN
  RETURN QUERY
    SELECT i.tenant_id, i.account_id, i.intent_id, i.state::text FROM engine.intents i
    WHERE CASE WHEN i.state IN ('sending', 'in_doubt', 'needs_operator') THEN true END
      AND (i.state = 'in_doubt' OR (i.state = 'sending' AND i.expires_at <= v_now))
    ORDER BY i.expires_at LIMIT p_limit;
END
$$;
COMMENT ON FUNCTION engine.fn_due_intents IS
  'Intents that need the resolver.';
REVOKE ALL ON FUNCTION engine.fn_due_intents FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_due_intents TO holdfast_engine;
