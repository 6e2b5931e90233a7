-- Sets the mode of a tenant, an exchange account or a profile, by an operator with a reason. A tenant needs no p_id.
-- Locks and writes the row of that level, outbox, audit.
-- Raises HF403 foreign tenant; HF404 no such thing; HF412 a profile with available below zero cannot resume; HF422 bad
-- level, mode, actor or reason.
CREATE OR REPLACE FUNCTION engine.fn_set_mode(
    p_tenant_id uuid, p_level text, p_id uuid, p_mode text, p_actor text, p_reason text
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now       timestamptz := engine.fn_clock();
  v_before    text;
  v_available numeric;
  v_fact      jsonb;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  PERFORM engine.checked_mode(p_mode), engine.checked_text(p_actor, 'actor'), engine.checked_text(p_reason, 'reason');
  IF p_level = 'tenant' THEN
    SELECT mode INTO v_before FROM engine.tenants
      WHERE tenant_id = p_tenant_id AND coalesce(p_id, tenant_id) = tenant_id FOR NO KEY UPDATE;
    UPDATE engine.tenants SET mode = p_mode, mode_reason = p_reason
      WHERE tenant_id = p_tenant_id AND v_before IS NOT NULL;
  ELSIF p_level = 'account' THEN
    SELECT mode INTO v_before FROM engine.exchange_accounts
      WHERE tenant_id = p_tenant_id AND account_id = p_id FOR NO KEY UPDATE;
    UPDATE engine.exchange_accounts SET mode = p_mode, mode_reason = p_reason
      WHERE tenant_id = p_tenant_id AND account_id = p_id;
  ELSIF p_level = 'profile' THEN
    SELECT mode, available INTO v_before, v_available FROM engine.profile_capital
      WHERE tenant_id = p_tenant_id AND profile_id = p_id FOR NO KEY UPDATE;
    IF p_mode = 'active' AND v_available < 0 THEN
      PERFORM engine.refuse('HF412', 'a profile with available below zero cannot resume',
                            jsonb_build_object('available', trim_scale(v_available)::text));
    END IF;
    UPDATE engine.profile_capital SET mode = p_mode, mode_reason = p_reason, updated_at = v_now
      WHERE tenant_id = p_tenant_id AND profile_id = p_id;
  ELSE
    PERFORM engine.refuse('HF422', 'the level is tenant, account or profile', jsonb_build_object('level', p_level));
  END IF;
  IF v_before IS NULL THEN
    PERFORM engine.refuse('HF404', 'no such ' || p_level, jsonb_build_object('id', p_id));
  END IF;
  v_fact := jsonb_build_object('level', p_level, 'id', coalesce(p_id, p_tenant_id), 'mode', p_mode,
                               'mode_reason', p_reason, 'before', v_before);
  PERFORM engine.record_fact(p_tenant_id, NULL, 'mode.changed', v_fact || jsonb_build_object('actor', p_actor), v_now,
                             CASE p_level WHEN 'profile' THEN p_id END);
  PERFORM engine.record_audit(p_tenant_id, p_actor, 'set_mode', NULL, v_fact, v_now);
  RETURN v_fact;
END
$$;
COMMENT ON FUNCTION engine.fn_set_mode IS
  'Sets a mode; gives {level, id, mode, mode_reason, before}.';
REVOKE ALL ON FUNCTION engine.fn_set_mode FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_set_mode TO holdfast_engine;
