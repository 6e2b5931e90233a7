-- Frees an account's lease at once, so that the next process need not wait for its end.
-- Locks and writes the lease row, and one audit row. Raises nothing. Another's token is answered STALE_TOKEN.
CREATE OR REPLACE FUNCTION engine.fn_release_lease(p_tenant_id uuid, p_account_id uuid, p_fencing_token bigint)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_lease engine.account_leases;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  SELECT * INTO v_lease FROM engine.account_leases
  WHERE tenant_id = p_tenant_id AND account_id = p_account_id FOR NO KEY UPDATE;
  IF v_lease.fencing_token IS DISTINCT FROM p_fencing_token THEN
    RETURN jsonb_build_object('code', 'STALE_TOKEN');
  END IF;
  IF v_lease.holder IS NOT NULL THEN
    UPDATE engine.account_leases
    SET holder = NULL, expires_at = NULL, stage = 'taken', stage_reason = NULL
    WHERE tenant_id = p_tenant_id AND account_id = p_account_id;
    PERFORM engine.record_audit(p_tenant_id, 'engine:' || v_lease.holder, 'lease.released', 'OK',
      jsonb_build_object('account_id', p_account_id, 'fencing_token', p_fencing_token), engine.fn_clock());
  END IF;
  RETURN jsonb_build_object('code', 'OK');
END
$$;
COMMENT ON FUNCTION engine.fn_release_lease IS
  'Frees an account''s lease for whoever has its current token.';
REVOKE ALL ON FUNCTION engine.fn_release_lease FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_release_lease TO holdfast_engine;
