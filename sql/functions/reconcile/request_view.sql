-- A request for a pass as callers see it; NULL stays NULL. Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.request_view(p_request engine.reconciliation_requests)
RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
  IF p_request.request_id IS NULL THEN
    RETURN NULL;
  END IF;
  RETURN jsonb_build_object('request_id', p_request.request_id, 'account_id', p_request.account_id,
    'profile_id', p_request.profile_id, 'dry_run', p_request.dry_run, 'actor', p_request.actor,
    'requested_at', p_request.requested_at, 'pass_id', p_request.pass_id, 'result', p_request.result);
END
$$;
COMMENT ON FUNCTION engine.request_view IS
  'A request for a pass, with its answer if there is one.';
REVOKE ALL ON FUNCTION engine.request_view FROM PUBLIC;
