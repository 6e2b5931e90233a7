-- Takes away a few of a tenant's request keys that are older than a day, the oldest first, none that is in use.
-- Locks and deletes up to 8 rows of request_keys. Raises nothing.
CREATE OR REPLACE FUNCTION engine.prune_requests(p_tenant_id uuid, p_now timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  DELETE FROM engine.request_keys k USING (
    SELECT robot_id, key FROM engine.request_keys
    WHERE tenant_id = p_tenant_id AND created_at < p_now - interval '24 hours'
    ORDER BY created_at LIMIT 8 FOR UPDATE SKIP LOCKED) old
  WHERE k.tenant_id = p_tenant_id AND k.robot_id = old.robot_id AND k.key = old.key;
END $$;
COMMENT ON FUNCTION engine.prune_requests(uuid, timestamptz) IS 'takes away old request keys';
REVOKE ALL ON FUNCTION engine.prune_requests(uuid, timestamptz) FROM PUBLIC;
