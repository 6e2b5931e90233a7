-- The tenant that JWT claims name: tenant_id at their top, or in app_metadata, where a Supabase project's server puts
-- it. Never user_metadata: that is the user's own to write. NULL if they name none.
-- Locks and writes nothing. Raises HF403 if both stand there and differ; 22P02 for what is no JSON.
CREATE OR REPLACE FUNCTION engine.tenant_in_claims(p_claims text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = '' AS $$
DECLARE
  v_claims jsonb := nullif(p_claims, '')::jsonb;
  v_top text := v_claims ->> 'tenant_id';
  v_inner text := v_claims -> 'app_metadata' ->> 'tenant_id';
BEGIN
  IF v_top <> v_inner THEN
    RAISE EXCEPTION USING ERRCODE = 'HF403', MESSAGE = 'the claims name two tenants';
  END IF;
  RETURN coalesce(v_top, v_inner);
END $$;
COMMENT ON FUNCTION engine.tenant_in_claims(text) IS 'tenant that JWT claims name, NULL if none';
REVOKE ALL ON FUNCTION engine.tenant_in_claims(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.tenant_in_claims(text) TO holdfast_reader;
