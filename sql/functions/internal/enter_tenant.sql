-- First statement of every tenant function: makes p_tenant_id the tenant of this transaction, and gives it as text,
-- never NULL.
-- Without JWT claims, as the engine's own calls come, that is one expression without a SET clause, so that it is
-- inlined into its callers; its names are qualified, operators too. All else is left to engine.enter_claimed_tenant.
-- Locks nothing; writes the transaction-local setting holdfast.tenant_id, never request.jwt.claims.
-- Raises HF401 for NULL, HF403 if JWT claims are present and carry another tenant, or none.
CREATE OR REPLACE FUNCTION engine.enter_tenant(p_tenant_id uuid) RETURNS text
LANGUAGE sql AS $$
  SELECT CASE
    WHEN p_tenant_id IS NULL OR pg_catalog.current_setting('request.jwt.claims', true) OPERATOR(pg_catalog.<>) ''
      THEN engine.enter_claimed_tenant(p_tenant_id)
    ELSE pg_catalog.set_config('holdfast.tenant_id', p_tenant_id::pg_catalog.text, true) END
$$;
COMMENT ON FUNCTION engine.enter_tenant(uuid) IS 'makes a tenant the one of this transaction';
REVOKE ALL ON FUNCTION engine.enter_tenant(uuid) FROM PUBLIC;
