-- Sets an active profile to reducing, or with p_mode to halted, because a rule says so; a stricter mode stays.
-- Locks and writes profile_capital; writes outbox, audit. Raises nothing. Tells whether anything changed.
CREATE OR REPLACE FUNCTION engine.reduce_profile(
  p_tenant_id uuid, p_profile_id uuid, p_reason text, p_actor text, p_now timestamptz, p_mode text DEFAULT 'reducing'
) RETURNS boolean
LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
  v_before text;
  v_fact jsonb;
BEGIN
  SELECT mode INTO v_before FROM engine.profile_capital
  WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id FOR NO KEY UPDATE;
  IF (v_before = 'active' OR v_before = 'reducing' AND p_mode = 'halted') IS NOT TRUE THEN
    RETURN false;
  END IF;
  UPDATE engine.profile_capital SET mode = p_mode, mode_reason = p_reason, updated_at = p_now
  WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id;
  v_fact := jsonb_build_object('level', 'profile', 'id', p_profile_id, 'mode', p_mode, 'mode_reason', p_reason,
                               'before', v_before);
  PERFORM engine.record_fact(p_tenant_id, NULL, 'mode.changed', v_fact || jsonb_build_object('actor', p_actor), p_now,
                             p_profile_id);
  PERFORM engine.record_audit(p_tenant_id, p_actor, 'set_mode', NULL, v_fact, p_now);
  RETURN true;
END $$;
COMMENT ON FUNCTION engine.reduce_profile(uuid, uuid, text, text, timestamptz, text) IS
  'sets a profile to reducing or halted by a rule';
REVOKE ALL ON FUNCTION engine.reduce_profile(uuid, uuid, text, text, timestamptz, text) FROM PUBLIC;
