-- Gives the oldest request of an account that no pass has answered, or null. It stays open until it is answered, so
-- the next holder of the lease finds it again if this one dies.
-- Locks the lease row FOR SHARE. Writes nothing. Raises HF403 foreign tenant; HF410 the lease is not held.
CREATE OR REPLACE FUNCTION engine.fn_take_request(p_tenant_id uuid, p_account_id uuid, p_lease_token bigint)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_request engine.reconciliation_requests;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  PERFORM engine.require_lease(p_tenant_id, p_account_id, p_lease_token, engine.fn_clock());
  SELECT * INTO v_request FROM engine.reconciliation_requests
    WHERE tenant_id = p_tenant_id AND account_id = p_account_id AND pass_id IS NULL
    ORDER BY requested_at, request_id LIMIT 1;
  RETURN engine.request_view(v_request);
END
$$;
COMMENT ON FUNCTION engine.fn_take_request IS
  'The oldest unanswered request for a pass of this account, or null.';
REVOKE ALL ON FUNCTION engine.fn_take_request FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_take_request TO holdfast_engine;
