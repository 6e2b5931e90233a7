-- What the engine reads over RPC as a tenant: the tenant of the claims is that of who asks, the one among the
-- arguments is what the code names, and the function refuses it if they differ.
-- Belongs to holdfast_reader and runs with its rights: what a reader may not call is refused. Nothing can be written.
-- Locks nothing, writes nothing. Raises what the function raises; 42883 no such function; 42501 it is not a reader's;
-- 25006 the function wants to write.
CREATE FUNCTION holdfast_api.engine_read(p_tenant_id uuid, p_function text, p_arguments jsonb) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET lock_timeout = '2s' AS $$
BEGIN
  PERFORM set_config('transaction_read_only', 'on', true);
  PERFORM set_config('request.jwt.claims',
    jsonb_build_object('role', 'holdfast_reader', 'tenant_id', p_tenant_id)::text, true);
  RETURN engine.dispatch(p_function, p_arguments);
END $$;
COMMENT ON FUNCTION holdfast_api.engine_read(uuid, text, jsonb) IS 'one read as a tenant over RPC';
REVOKE ALL ON FUNCTION holdfast_api.engine_read(uuid, text, jsonb) FROM PUBLIC;
DO $$ BEGIN
  IF to_regrole('service_role') IS NOT NULL THEN
    GRANT EXECUTE ON FUNCTION holdfast_api.engine_read(uuid, text, jsonb) TO service_role;
  END IF;
END $$;
