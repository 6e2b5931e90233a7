-- Locks a tenant's relay row for whoever holds its claim: by token, also past its expiry as long as nobody else took it.
-- Locks tenant_relay FOR NO KEY UPDATE. Writes nothing. Gives a row of NULLs if the token is not the present one.
CREATE OR REPLACE FUNCTION engine.lock_relay(p_tenant_id uuid, p_token bigint)
RETURNS engine.tenant_relay
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
  v_relay engine.tenant_relay;
BEGIN
  SELECT * INTO v_relay FROM engine.tenant_relay
  WHERE tenant_id = p_tenant_id AND claim_token = p_token AND owner IS NOT NULL FOR NO KEY UPDATE;
  RETURN v_relay;
END
$$;
COMMENT ON FUNCTION engine.lock_relay IS
  'The locked relay row of a tenant, for the holder of its claim.';
REVOKE ALL ON FUNCTION engine.lock_relay FROM PUBLIC;
