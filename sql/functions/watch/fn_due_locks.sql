-- Lists locks that are held past their TTL: entry locks, reconciliation locks and account leases, the latest first.
-- An expired lock frees nothing by itself; it says that whoever should look at its intent or account does not.
-- Belongs to holdfast_scheduler; ids and times only. Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.fn_due_locks(p_limit integer)
RETURNS TABLE (tenant_id uuid, kind text, held_for text, overdue_s double precision)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
-- in the order of the unresolved intents' index: nothing else shall read all intents for the few of them
SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
BEGIN
  RETURN QUERY
    SELECT l.tenant_id, l.kind, l.held_for, extract(epoch FROM v_now - l.expires_at)::double precision
    FROM (
      (SELECT e.tenant_id, 'entry' AS kind, e.profile_id || ' ' || e.symbol AS held_for, e.expires_at
       FROM engine.intents e WHERE e.kind = 'entry' AND e.expires_at <= v_now
         AND CASE WHEN e.state IN ('sending', 'in_doubt', 'needs_operator') THEN true END
       ORDER BY e.expires_at LIMIT p_limit)
      UNION ALL
      SELECT r.tenant_id, 'reconciliation', r.profile_id::text, r.expires_at FROM engine.reconciliation_locks r
      UNION ALL
      SELECT a.tenant_id, 'lease', a.account_id::text, a.expires_at FROM engine.account_leases a) l
    WHERE l.expires_at <= v_now
    ORDER BY l.expires_at LIMIT p_limit;
END
$$;
COMMENT ON FUNCTION engine.fn_due_locks IS
  'Locks past their TTL.';
REVOKE ALL ON FUNCTION engine.fn_due_locks FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_due_locks TO holdfast_engine;
