-- Tells every process how far the holder of an account's lease has come: taken, read, resolved, reconciled.
-- It may go back, with a reason. Locks and writes the lease row.
-- Raises HF422: no such stage. A lease not held with this token is answered STALE_TOKEN.
CREATE OR REPLACE FUNCTION engine.fn_set_lease_stage(
    p_tenant_id uuid, p_account_id uuid, p_fencing_token bigint, p_stage text, p_reason text
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_lease engine.account_leases;
  v_now timestamptz;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  IF p_stage IS NULL OR p_stage NOT IN ('taken', 'read', 'resolved', 'reconciled') THEN
    PERFORM engine.refuse('HF422', 'no such stage of a lease', jsonb_build_object('stage', p_stage));
  END IF;
  SELECT * INTO v_lease FROM engine.account_leases
  WHERE tenant_id = p_tenant_id AND account_id = p_account_id FOR NO KEY UPDATE;
  v_now := engine.fn_clock();
  IF v_lease.fencing_token IS DISTINCT FROM p_fencing_token OR v_lease.expires_at IS NULL
     OR v_lease.expires_at <= v_now THEN
    RETURN jsonb_build_object('code', 'STALE_TOKEN');
  END IF;
  UPDATE engine.account_leases
  SET stage = p_stage, stage_reason = p_reason,
      reconciled_at = CASE WHEN p_stage = 'reconciled' THEN v_now ELSE reconciled_at END
  WHERE tenant_id = p_tenant_id AND account_id = p_account_id;
  RETURN jsonb_build_object('code', 'OK');
END
$$;
COMMENT ON FUNCTION engine.fn_set_lease_stage IS
  'Records how far the holder of an account''s lease has come.';
REVOKE ALL ON FUNCTION engine.fn_set_lease_stage FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_set_lease_stage TO holdfast_engine;
