-- Asks the holder of the account's lease for a pass, of one profile or of all. Gives the request's id.
-- Locks nothing. Writes reconciliation_requests, audit.
-- Raises HF403 foreign tenant; HF404 no such account or profile; HF422 no actor.
CREATE OR REPLACE FUNCTION engine.fn_request_reconciliation(
    p_tenant_id uuid, p_account_id uuid, p_profile_id uuid, p_dry_run boolean, p_actor text
)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now        timestamptz := engine.fn_clock();
  v_request_id uuid := gen_random_uuid();
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  PERFORM engine.require_account(p_tenant_id, p_account_id);
  IF p_profile_id IS NOT NULL AND NOT EXISTS (SELECT FROM engine.profiles
      WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id AND account_id = p_account_id) THEN
    PERFORM engine.refuse('HF404', 'no such profile', jsonb_build_object('profile_id', p_profile_id));
  END IF;
  INSERT INTO engine.reconciliation_requests (tenant_id, request_id, account_id, profile_id, dry_run, actor,
                                              requested_at)
    VALUES (p_tenant_id, v_request_id, p_account_id, p_profile_id, coalesce(p_dry_run, false),
            engine.checked_text(p_actor, 'actor'), v_now);
  PERFORM engine.record_audit(p_tenant_id, p_actor, 'request_reconciliation', NULL, jsonb_build_object(
    'request_id', v_request_id, 'account_id', p_account_id, 'profile_id', p_profile_id,
    'dry_run', coalesce(p_dry_run, false)), v_now);
  RETURN v_request_id;
END
$$;
COMMENT ON FUNCTION engine.fn_request_reconciliation IS
  'Asks the holder of the account''s lease for a pass.';
REVOKE ALL ON FUNCTION engine.fn_request_reconciliation FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_request_reconciliation TO holdfast_engine, holdfast_operator;
