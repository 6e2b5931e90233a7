-- The tenant of this transaction where JWT claims are present, or nothing was set at all.
-- Claims without a tenant name none: no setting can stand in for them.
-- Locks and writes nothing. Raises HF401 if there is no tenant, HF403 if setting and claims, or the claims among themselves, differ.
CREATE OR REPLACE FUNCTION engine.tenant_of_claims() RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = '' AS $$
DECLARE
  v_setting text := nullif(current_setting('holdfast.tenant_id', true), '');
  v_claim text := engine.tenant_in_claims(current_setting('request.jwt.claims', true));
BEGIN
  IF v_claim IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'HF401', MESSAGE = 'no tenant is set for this transaction';
  ELSIF v_claim::uuid <> v_setting::uuid THEN
    RAISE EXCEPTION USING ERRCODE = 'HF403', MESSAGE = 'the claim names another tenant';
  END IF;
  RETURN v_claim::uuid;
END $$;
COMMENT ON FUNCTION engine.tenant_of_claims() IS 'tenant by JWT claims, or a refusal';
REVOKE ALL ON FUNCTION engine.tenant_of_claims() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.tenant_of_claims() TO holdfast_reader;
