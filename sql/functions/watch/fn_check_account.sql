-- Checks that an exchange account's unassigned holdings are what their events add up to; if not, the account takes no
-- entries any more (mode reducing) from this transaction on.
-- Answers {equal, violations: [{check: "unassigned", asset, stored, events, last}], reduced, mode}; reduced: by this call.
-- Locks and writes, on a violation only: exchange_accounts, outbox, audit. Raises HF403 foreign tenant; HF404; HF422.
CREATE OR REPLACE FUNCTION engine.fn_check_account(p_tenant_id uuid, p_account_id uuid, p_actor text)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now        timestamptz := engine.fn_clock();
  v_violations jsonb;
  v_mode       text;
  v_reason     text := 'watchdog: unassigned';
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  PERFORM engine.require_account(p_tenant_id, p_account_id);
  SELECT coalesce(jsonb_agg(jsonb_build_object('check', 'unassigned', 'asset', d.asset,
      'stored', trim_scale(d.stored)::text, 'events', trim_scale(d.events)::text, 'last', trim_scale(d.last)::text)
      ORDER BY d.asset), '[]')
    INTO v_violations
    FROM (
      SELECT asset, coalesce(h.quantity, 0) AS stored, coalesce(e.total, 0) AS events, coalesce(e.last, 0) AS last
      FROM (SELECT u.asset, u.quantity FROM engine.unassigned_holdings u
            WHERE u.tenant_id = p_tenant_id AND u.account_id = p_account_id) h
      FULL JOIN (SELECT v.asset, sum(v.delta) AS total, (array_agg(v.balance ORDER BY v.event_id DESC))[1] AS last
                 FROM engine.unassigned_events v
                 WHERE v.tenant_id = p_tenant_id AND v.account_id = p_account_id GROUP BY v.asset) e USING (asset)) d
    WHERE d.stored <> d.events OR d.stored <> d.last;
  SELECT mode INTO v_mode FROM engine.exchange_accounts WHERE tenant_id = p_tenant_id AND account_id = p_account_id;
  IF v_violations = '[]' OR v_mode <> 'active' THEN
    RETURN jsonb_build_object('equal', v_violations = '[]', 'violations', v_violations,
                              'reduced', false, 'mode', v_mode);
  END IF;
  UPDATE engine.exchange_accounts SET mode = 'reducing', mode_reason = v_reason
    WHERE tenant_id = p_tenant_id AND account_id = p_account_id AND mode = 'active';
  PERFORM engine.record_fact(p_tenant_id, NULL, 'mode.changed', jsonb_build_object('level', 'account',
    'id', p_account_id, 'mode', 'reducing', 'mode_reason', v_reason, 'before', v_mode, 'actor', p_actor), v_now);
  PERFORM engine.record_audit(p_tenant_id, p_actor, 'reduce', 'INVARIANT_BROKEN',
    jsonb_build_object('account_id', p_account_id, 'reason', v_reason, 'violations', v_violations), v_now);
  RETURN jsonb_build_object('equal', false, 'violations', v_violations, 'reduced', true, 'mode', 'reducing');
END
$$;
COMMENT ON FUNCTION engine.fn_check_account IS
  'Checks an account''s unassigned holdings against their events.';
REVOKE ALL ON FUNCTION engine.fn_check_account FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_check_account TO holdfast_engine;
