-- Answers a request with the pass that was made for it; the first answer stands. Gives the request.
-- Locks and writes the request's row. Raises HF403 foreign tenant; HF404 no such request, or no such pass of its
-- account.
CREATE OR REPLACE FUNCTION engine.fn_answer_request(
    p_tenant_id uuid, p_request_id uuid, p_pass_id bigint, p_result jsonb
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_request engine.reconciliation_requests;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  SELECT * INTO v_request FROM engine.reconciliation_requests
    WHERE tenant_id = p_tenant_id AND request_id = p_request_id FOR NO KEY UPDATE;
  IF NOT FOUND OR NOT EXISTS (SELECT FROM engine.reconciliation_passes WHERE tenant_id = p_tenant_id
      AND pass_id = p_pass_id AND account_id = v_request.account_id) THEN
    PERFORM engine.refuse('HF404', 'no such request, or no such pass of its account',
                          jsonb_build_object('request_id', p_request_id, 'pass_id', p_pass_id));
  END IF;
  IF v_request.pass_id IS NULL THEN
    UPDATE engine.reconciliation_requests SET pass_id = p_pass_id, result = coalesce(p_result, '{}')
      WHERE tenant_id = p_tenant_id AND request_id = p_request_id RETURNING * INTO v_request;
  END IF;
  RETURN engine.request_view(v_request);
END
$$;
COMMENT ON FUNCTION engine.fn_answer_request IS
  'Answers a request for a pass, once.';
REVOKE ALL ON FUNCTION engine.fn_answer_request FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_answer_request TO holdfast_engine;
