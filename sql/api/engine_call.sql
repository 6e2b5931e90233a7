-- What the engine calls over RPC, where it has no connection to PostgreSQL: one function of ours, in one transaction.
-- Belongs to holdfast_engine and runs with its rights, so it reaches what a direct session reaches and nothing else.
-- The claims of a project's secret key name no tenant: this call narrows them to the tenant that it is for, so that
-- the walls behind compare it as they compare a user's.
-- p_call_id: sent again with the same id, a call gets the first answer and has no second effect.
-- Locks and writes what the function does, and rpc_calls for one that changes something. Raises what the function
-- raises; 42883 no such function; 42501 it is not the engine's; HF414 the id was another function's.
CREATE FUNCTION holdfast_api.engine_call(p_call_id uuid, p_function text, p_arguments jsonb) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET lock_timeout = '2s' AS $$
DECLARE
  v_known record := engine.called_function(p_function);
  v_tenant uuid := CASE WHEN v_known.takes_tenant THEN (p_arguments ->> 0)::uuid END;
  v_answer text;
BEGIN
  IF v_tenant IS NULL THEN
    RETURN engine.dispatch(p_function, p_arguments);
  END IF;
  PERFORM set_config('request.jwt.claims',
    jsonb_build_object('role', 'holdfast_engine', 'tenant_id', v_tenant)::text, true);
  IF NOT v_known.changes THEN
    RETURN engine.dispatch(p_function, p_arguments);
  END IF;
  v_answer := engine.fn_claim_call(v_tenant, p_call_id, p_function);
  IF v_answer IS NULL THEN
    v_answer := engine.dispatch(p_function, p_arguments);
    PERFORM engine.fn_keep_call(v_tenant, p_call_id, v_answer);
  END IF;
  RETURN v_answer;
END $$;
COMMENT ON FUNCTION holdfast_api.engine_call(uuid, text, jsonb) IS 'one call of the engine over RPC';
REVOKE ALL ON FUNCTION holdfast_api.engine_call(uuid, text, jsonb) FROM PUBLIC;
DO $$ BEGIN
  IF to_regrole('service_role') IS NOT NULL THEN
    GRANT EXECUTE ON FUNCTION holdfast_api.engine_call(uuid, text, jsonb) TO service_role;
  END IF;
END $$;
