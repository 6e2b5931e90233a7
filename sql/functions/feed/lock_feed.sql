-- Locks the row that numbers a tenant's feed, making it first if there is none.
-- What depends on the lock is read in a later statement of the caller: this one's snapshot is from before the wait.
-- Locks and may write tenant_feed (FOR NO KEY UPDATE). Raises HF404: no such tenant.
CREATE OR REPLACE FUNCTION engine.lock_feed(p_tenant_id uuid)
RETURNS engine.tenant_feed
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
  v_feed engine.tenant_feed;
BEGIN
  SELECT * INTO v_feed FROM engine.tenant_feed WHERE tenant_id = p_tenant_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM engine.require_tenant(p_tenant_id);
    INSERT INTO engine.tenant_feed (tenant_id) VALUES (p_tenant_id) ON CONFLICT DO NOTHING;
    SELECT * INTO v_feed FROM engine.tenant_feed WHERE tenant_id = p_tenant_id FOR NO KEY UPDATE;
  END IF;
  RETURN v_feed;
END
$$;
COMMENT ON FUNCTION engine.lock_feed IS
  'The locked numbering of a tenant''s feed.';
REVOKE ALL ON FUNCTION engine.lock_feed FROM PUBLIC;
