-- The tenant of this transaction: what every policy compares tenant_id with.
-- Reads the tenant_id of verified JWT claims if there are any, else the setting made by engine.enter_tenant.
-- Locks and writes nothing. Raises HF401 if neither is set, HF403 if they differ.
-- It has no SET clause, because a policy calls it once per table and statement: every name in it is
-- qualified instead, operators too, so that a caller's search_path cannot change what it means.
CREATE OR REPLACE FUNCTION engine.claimed_tenant() RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
  v_setting text := pg_catalog.current_setting('holdfast.tenant_id', true);
  v_claims text := pg_catalog.current_setting('request.jwt.claims', true);
  v_claim text;
BEGIN
  IF v_claims OPERATOR(pg_catalog.<>) '' THEN
    v_claim := v_claims::pg_catalog.jsonb OPERATOR(pg_catalog.->>) 'tenant_id';
    IF v_setting OPERATOR(pg_catalog.<>) ''
      AND v_claim::pg_catalog.uuid OPERATOR(pg_catalog.<>) v_setting::pg_catalog.uuid THEN
      RAISE EXCEPTION USING ERRCODE = 'HF403', MESSAGE = 'the claim names another tenant';
    END IF;
    v_setting := v_claim;  -- claims without a tenant name none: no setting can stand in for them
  END IF;
  IF v_setting IS NULL OR v_setting OPERATOR(pg_catalog.=) '' THEN
    RAISE EXCEPTION USING ERRCODE = 'HF401', MESSAGE = 'no tenant is set for this transaction';
  END IF;
  RETURN v_setting::pg_catalog.uuid;
END $$;
COMMENT ON FUNCTION engine.claimed_tenant() IS 'tenant of this transaction; raises instead of showing no rows';
REVOKE ALL ON FUNCTION engine.claimed_tenant() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.claimed_tenant() TO holdfast_reader;
