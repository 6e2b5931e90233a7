-- Gives the lease of an exchange account to a process if it is free or has expired, with a new fencing token;
-- a holder that asks again keeps its token while the lease lives.
-- Locks the lease row FOR NO KEY UPDATE, so it waits for what runs under the old token. Writes account_leases, and
-- one audit row if the holder changed. Raises HF404: no such account; HF422: ttl out of bounds.
CREATE OR REPLACE FUNCTION engine.fn_take_lease(
    p_tenant_id uuid, p_account_id uuid, p_holder uuid, p_ttl_ms integer
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_ttl interval := engine.checked_ttl(p_ttl_ms);
  v_lease engine.account_leases;
  v_now timestamptz;
  v_live boolean;
  v_took_over boolean;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  PERFORM engine.require_account(p_tenant_id, p_account_id);
  -- Who only asks takes no lock: others ask every second.
  SELECT * INTO v_lease FROM engine.account_leases WHERE tenant_id = p_tenant_id AND account_id = p_account_id;
  v_now := engine.fn_clock();
  IF v_lease.expires_at > v_now AND v_lease.holder <> p_holder THEN
    RETURN engine.lease_view(v_lease, v_now) || jsonb_build_object('code', 'HELD', 'took_over', false);
  END IF;
  INSERT INTO engine.account_leases (tenant_id, account_id, fencing_token) VALUES (p_tenant_id, p_account_id, 0)
  ON CONFLICT DO NOTHING;
  SELECT * INTO v_lease FROM engine.account_leases
  WHERE tenant_id = p_tenant_id AND account_id = p_account_id FOR NO KEY UPDATE;
  v_now := engine.fn_clock();  -- after the wait for the lock: what was live before it may have expired
  v_live := coalesce(v_lease.expires_at > v_now, false);
  IF v_live AND v_lease.holder <> p_holder THEN
    RETURN engine.lease_view(v_lease, v_now) || jsonb_build_object('code', 'HELD', 'took_over', false);
  END IF;
  v_took_over := coalesce(v_lease.holder <> p_holder, false);
  UPDATE engine.account_leases
  SET holder = p_holder, expires_at = v_now + v_ttl,
      fencing_token = CASE WHEN v_live THEN fencing_token ELSE nextval('engine.fencing_tokens') END,
      acquired_at = CASE WHEN v_live THEN acquired_at ELSE v_now END,
      stage = CASE WHEN v_live THEN stage ELSE 'taken' END,
      stage_reason = CASE WHEN v_live THEN stage_reason END
  WHERE tenant_id = p_tenant_id AND account_id = p_account_id
  RETURNING * INTO v_lease;
  IF NOT v_live THEN
    PERFORM engine.record_audit(p_tenant_id, 'engine:' || p_holder, 'lease.taken', 'OK',
      jsonb_build_object('account_id', p_account_id, 'fencing_token', v_lease.fencing_token,
                         'took_over', v_took_over), v_now);
  END IF;
  RETURN engine.lease_view(v_lease, v_now) || jsonb_build_object('code', 'OK', 'took_over', v_took_over);
END
$$;
COMMENT ON FUNCTION engine.fn_take_lease IS
  'Gives an account''s lease to a process if nobody holds it, with a new fencing token.';
REVOKE ALL ON FUNCTION engine.fn_take_lease FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_take_lease TO holdfast_engine;
