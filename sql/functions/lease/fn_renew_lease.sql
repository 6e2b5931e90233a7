-- Keeps a lease alive; an expired one that nobody took goes on with the same token.
-- Locks and writes the lease row. Raises HF422: ttl out of bounds. Another's token is answered STALE_TOKEN.
CREATE OR REPLACE FUNCTION engine.fn_renew_lease(
    p_tenant_id uuid, p_account_id uuid, p_holder uuid, p_fencing_token bigint, p_ttl_ms integer
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_ttl interval := engine.checked_ttl(p_ttl_ms);
  v_expires_at timestamptz;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  -- fn_clock() is read when the row is locked: a wait for it must not shorten the new lifetime.
  UPDATE engine.account_leases SET expires_at = engine.fn_clock() + v_ttl
  WHERE tenant_id = p_tenant_id AND account_id = p_account_id
    AND holder = p_holder AND fencing_token = p_fencing_token
  RETURNING expires_at INTO v_expires_at;
  RETURN jsonb_build_object(
    'code', CASE WHEN v_expires_at IS NULL THEN 'STALE_TOKEN' ELSE 'OK' END,
    'expires_at', v_expires_at);
END
$$;
COMMENT ON FUNCTION engine.fn_renew_lease IS
  'Prolongs an account''s lease for the holder of its current token.';
REVOKE ALL ON FUNCTION engine.fn_renew_lease FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_renew_lease TO holdfast_engine;
