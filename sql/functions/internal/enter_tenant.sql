-- First statement of every tenant function: makes p_tenant_id the tenant of this transaction.
-- Locks nothing; writes the transaction-local setting holdfast.tenant_id, never request.jwt.claims.
-- Raises HF401 for NULL, HF403 if JWT claims are present and carry another tenant, or none.
CREATE OR REPLACE FUNCTION engine.enter_tenant(p_tenant_id uuid) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  -- never NULL: NULL AND x asks for x, which costs more than all the rest here
  v_claims text := coalesce(pg_catalog.current_setting('request.jwt.claims', true), '');
BEGIN
  IF p_tenant_id IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'HF401', MESSAGE = 'no tenant is named';
  END IF;
  IF v_claims <> '' AND engine.tenant_in_claims(v_claims) IS DISTINCT FROM p_tenant_id::text THEN
    RAISE EXCEPTION USING ERRCODE = 'HF403', MESSAGE = 'the claim names another tenant',
      DETAIL = pg_catalog.jsonb_build_object('tenant_id', p_tenant_id)::text;
  END IF;
  -- an assignment: a PERFORM would prepare an executor for it
  v_claims := pg_catalog.set_config('holdfast.tenant_id', p_tenant_id::text, true);
END $$;
COMMENT ON FUNCTION engine.enter_tenant(uuid) IS 'makes a tenant the one of this transaction';
REVOKE ALL ON FUNCTION engine.enter_tenant(uuid) FROM PUBLIC;
