-- Lists the tenants whose events the broker has not confirmed, or whose dead letters shall be published again, and
-- which no live process has claimed; lag is how many events. After a refusal a tenant is due again at its retry time.
-- Belongs to holdfast_scheduler; ids, counts and times only, the rest is read as that tenant.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.fn_due_relays(p_owner uuid)
RETURNS TABLE (tenant_id uuid, lag bigint, claimable boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
BEGIN
  RETURN QUERY
    SELECT f.tenant_id, f.last_seq - coalesce(r.published_seq, 0),
      (r.owner IS NULL OR r.owner = p_owner OR r.expires_at <= v_now) AND (r.retry_at IS NULL OR r.retry_at <= v_now)
    FROM engine.tenant_feed f LEFT JOIN engine.tenant_relay r ON r.tenant_id = f.tenant_id
    WHERE f.last_seq > coalesce(r.published_seq, 0)
      OR EXISTS (SELECT FROM engine.relay_retries q WHERE q.tenant_id = f.tenant_id)
    ORDER BY f.tenant_id;
END
$$;
COMMENT ON FUNCTION engine.fn_due_relays IS
  'Tenants with events for the broker, and whether this process may claim them.';
REVOKE ALL ON FUNCTION engine.fn_due_relays FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_due_relays TO holdfast_engine;
