-- Makes p_tenant_id the tenant of this transaction if the JWT claims carry it; what engine.enter_tenant calls where
-- there are claims, or no tenant is named.
-- Locks nothing; writes the transaction-local setting holdfast.tenant_id, never request.jwt.claims.
-- Raises HF401 for NULL, HF403 if the claims carry another tenant, or none.
CREATE OR REPLACE FUNCTION engine.enter_claimed_tenant(p_tenant_id uuid) RETURNS text
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  IF p_tenant_id IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'HF401', MESSAGE = 'no tenant is named';
  END IF;
  IF engine.tenant_in_claims(current_setting('request.jwt.claims', true)) IS DISTINCT FROM p_tenant_id::text THEN
    RAISE EXCEPTION USING ERRCODE = 'HF403', MESSAGE = 'the claim names another tenant',
      DETAIL = jsonb_build_object('tenant_id', p_tenant_id)::text;
  END IF;
  RETURN set_config('holdfast.tenant_id', p_tenant_id::text, true);
END $$;
COMMENT ON FUNCTION engine.enter_claimed_tenant(uuid) IS 'makes a tenant the one of this transaction if the claims name it';
REVOKE ALL ON FUNCTION engine.enter_claimed_tenant(uuid) FROM PUBLIC;
