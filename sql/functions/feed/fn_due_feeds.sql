-- Lists the tenants whose facts wait for a number, with how many and for how long, and those of p_watched, so that
-- one call tells a process all that has moved. waiting is counted to 1000 at most.
-- Belongs to holdfast_scheduler; ids, counts and times only, the rest is read as that tenant.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.fn_due_feeds(p_watched uuid[])
RETURNS TABLE (tenant_id uuid, epoch integer, last_seq bigint, waiting integer, waiting_s double precision)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
-- a plan made while a table was empty must not become a scan of it for the session's life
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
BEGIN
  RETURN QUERY
    WITH RECURSIVE due (id) AS (
      -- from tenant to tenant through the index of what waits: it costs nothing for those that are numbered
      (SELECT f.tenant_id FROM engine.facts f WHERE f.seq IS NULL AND f.type IS NOT NULL ORDER BY f.tenant_id LIMIT 1)
      UNION ALL
      SELECT (SELECT f.tenant_id FROM engine.facts f
              WHERE f.seq IS NULL AND f.type IS NOT NULL AND f.tenant_id > d.id ORDER BY f.tenant_id LIMIT 1)
      FROM due d WHERE d.id IS NOT NULL
    )
    SELECT t.id, coalesce(n.epoch, 1), coalesce(n.last_seq, 0), w.waiting::integer,
      greatest(extract(epoch FROM v_now - w.oldest_at), 0)::double precision
    FROM (SELECT d.id FROM due d WHERE d.id IS NOT NULL UNION SELECT unnest(p_watched)) t
    LEFT JOIN engine.tenant_feed n ON n.tenant_id = t.id
    CROSS JOIN LATERAL (
      SELECT count(*) AS waiting, min(o.recorded_at) AS oldest_at
      FROM (SELECT f.recorded_at FROM engine.facts f
            WHERE f.tenant_id = t.id AND f.seq IS NULL AND f.type IS NOT NULL
            ORDER BY f.event_id LIMIT 1000) o) w;
END
$$;
COMMENT ON FUNCTION engine.fn_due_feeds IS
  'Tenants whose events wait for their seq, and where the feeds of some tenants stand.';
REVOKE ALL ON FUNCTION engine.fn_due_feeds FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_due_feeds TO holdfast_engine;
