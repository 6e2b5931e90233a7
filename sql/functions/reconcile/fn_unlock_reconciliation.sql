-- Gives a profile's reconciliation lock back: {code: OK}, or STALE_TOKEN if it is another's by now.
-- Locks and writes the lock's row. Raises HF403 foreign tenant.
CREATE OR REPLACE FUNCTION engine.fn_unlock_reconciliation(p_tenant_id uuid, p_profile_id uuid, p_lock_token bigint)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  UPDATE engine.reconciliation_locks SET holder = NULL, expires_at = NULL
    WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id AND fencing_token = p_lock_token
      AND holder IS NOT NULL;
  RETURN jsonb_build_object('code', CASE WHEN FOUND THEN 'OK' ELSE 'STALE_TOKEN' END);
END
$$;
COMMENT ON FUNCTION engine.fn_unlock_reconciliation IS
  'Gives a profile''s reconciliation lock back.';
REVOKE ALL ON FUNCTION engine.fn_unlock_reconciliation FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_unlock_reconciliation TO holdfast_engine;
