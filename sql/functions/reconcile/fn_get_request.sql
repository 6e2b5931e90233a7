-- A request for a pass and its answer, or null. Locks nothing, writes nothing. Raises HF403 foreign tenant.
CREATE OR REPLACE FUNCTION engine.fn_get_request(p_tenant_id uuid, p_request_id uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_request engine.reconciliation_requests;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  SELECT * INTO v_request FROM engine.reconciliation_requests
    WHERE tenant_id = p_tenant_id AND request_id = p_request_id;
  RETURN engine.request_view(v_request);
END
$$;
COMMENT ON FUNCTION engine.fn_get_request IS
  'A request for a pass, with its answer if there is one.';
REVOKE ALL ON FUNCTION engine.fn_get_request FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_get_request TO holdfast_engine, holdfast_operator, holdfast_reader;
