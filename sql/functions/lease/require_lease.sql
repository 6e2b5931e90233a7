-- First statement of what only the holder of an account's lease may do: proves that the token is still the current
-- one, and holds off a takeover until this transaction ends.
-- Locks the lease row FOR SHARE. Writes nothing. Raises HF410: another token is current, or the lease has expired.
CREATE OR REPLACE FUNCTION engine.require_lease(
    p_tenant_id uuid, p_account_id uuid, p_fencing_token bigint, p_now timestamptz
)
RETURNS void
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
  v_lease engine.account_leases;
BEGIN
  SELECT * INTO v_lease FROM engine.account_leases
  WHERE tenant_id = p_tenant_id AND account_id = p_account_id FOR SHARE;
  IF v_lease.holder IS NULL OR v_lease.fencing_token IS DISTINCT FROM p_fencing_token
     OR v_lease.expires_at <= p_now THEN
    PERFORM engine.refuse('HF410', 'the lease of this account is not held with this token',
      jsonb_build_object('account_id', p_account_id, 'fencing_token', p_fencing_token,
                         'current_token', v_lease.fencing_token, 'expires_at', v_lease.expires_at));
  END IF;
END
$$;
COMMENT ON FUNCTION engine.require_lease IS
  'Refuses a caller that does not hold the account''s lease with its current token.';
REVOKE ALL ON FUNCTION engine.require_lease FROM PUBLIC;
