-- Gives a profile's reconciliation lock to a pass if it is free or has expired: {code: OK, fencing_token, expires_at},
-- or {code: HELD, expires_at}. The same holder gets its token again while the lock lives. A lock taken under an older
-- lease is free: its holder may not act for this account any more.
-- Locks the lease row FOR SHARE and the lock's row. Writes reconciliation_locks.
-- Raises HF403 foreign tenant; HF404 no such profile; HF410 the account's lease is not held; HF422 ttl out of bounds.
CREATE OR REPLACE FUNCTION engine.fn_lock_reconciliation(
    p_tenant_id uuid, p_profile_id uuid, p_holder uuid, p_lease_token bigint, p_ttl_ms integer
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_ttl        interval := engine.checked_ttl(p_ttl_ms);
  v_now        timestamptz := engine.fn_clock();
  v_account_id uuid;
  v_lock       engine.reconciliation_locks;
  v_live       boolean;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  SELECT account_id INTO v_account_id FROM engine.profiles
    WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such profile', jsonb_build_object('profile_id', p_profile_id));
  END IF;
  PERFORM engine.require_lease(p_tenant_id, v_account_id, p_lease_token, v_now);
  INSERT INTO engine.reconciliation_locks (tenant_id, profile_id, fencing_token) VALUES (p_tenant_id, p_profile_id, 0)
    ON CONFLICT DO NOTHING;
  SELECT * INTO v_lock FROM engine.reconciliation_locks
    WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id FOR NO KEY UPDATE;
  v_now := engine.fn_clock();  -- after the wait for the row: what was live before it may have expired
  v_live := coalesce(v_lock.expires_at > v_now AND v_lock.lease_token = p_lease_token, false);
  IF v_live AND v_lock.holder IS DISTINCT FROM p_holder THEN
    RETURN jsonb_build_object('code', 'HELD', 'expires_at', v_lock.expires_at);
  END IF;
  UPDATE engine.reconciliation_locks SET holder = p_holder, expires_at = v_now + v_ttl, lease_token = p_lease_token,
      fencing_token = CASE WHEN v_live THEN fencing_token ELSE nextval('engine.fencing_tokens') END
    WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id
    RETURNING * INTO v_lock;
  RETURN jsonb_build_object('code', 'OK', 'fencing_token', v_lock.fencing_token, 'expires_at', v_lock.expires_at);
END
$$;
COMMENT ON FUNCTION engine.fn_lock_reconciliation IS
  'Gives a profile''s reconciliation lock to one pass at a time.';
REVOKE ALL ON FUNCTION engine.fn_lock_reconciliation FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_lock_reconciliation TO holdfast_engine;
