-- Explains a change of what an exchange account holds beside its profiles: deposit, withdrawal, foreign_fill or
-- adjustment. It is a fact, so it is booked even below zero; then profiles hold more than the exchange and the account
-- takes no entries (reducing). Answers {code: OK, event_id, replay, asset, quantity}.
-- Locks the unassigned row. Writes unassigned_holdings, unassigned_events, exchange_accounts, outbox, audit.
-- Raises HF403 foreign tenant; HF404 no such account; HF413 key missing; HF414 key reused; HF422 bad argument.
CREATE OR REPLACE FUNCTION engine.fn_adjust_unassigned(
    p_tenant_id uuid, p_account_id uuid, p_asset text, p_delta numeric, p_cause text, p_key text,
    p_actor text, p_reason text
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now      timestamptz := engine.fn_clock();
  v_key      text;
  v_first    engine.unassigned_events;
  v_event_id bigint;
  v_quantity numeric;
  v_fact     jsonb;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  PERFORM engine.require_account(p_tenant_id, p_account_id);
  v_key := engine.operator_key(p_key);
  PERFORM engine.checked_text(p_asset, 'asset'), engine.checked_text(p_actor, 'actor'),
          engine.checked_text(p_reason, 'reason');
  IF engine.checked_number(p_delta, 'delta') = 0 OR (p_cause = 'deposit' AND p_delta < 0)
     OR (p_cause = 'withdrawal' AND p_delta > 0)
     OR (p_cause IN ('deposit', 'withdrawal', 'foreign_fill', 'adjustment')) IS NOT TRUE THEN
    PERFORM engine.refuse('HF422', 'the cause is deposit (+), withdrawal (-), foreign_fill or adjustment, never 0',
                          jsonb_build_object('cause', p_cause, 'delta', p_delta::text));
  END IF;
  INSERT INTO engine.unassigned_holdings (tenant_id, account_id, asset, quantity)
    VALUES (p_tenant_id, p_account_id, p_asset, 0) ON CONFLICT DO NOTHING;
  PERFORM FROM engine.unassigned_holdings
    WHERE tenant_id = p_tenant_id AND account_id = p_account_id AND asset = p_asset FOR NO KEY UPDATE;
  SELECT * INTO v_first FROM engine.unassigned_events WHERE tenant_id = p_tenant_id AND idempotency_key = v_key;
  IF FOUND THEN
    IF (v_first.account_id, v_first.asset, v_first.delta, v_first.cause)
       IS DISTINCT FROM (p_account_id, p_asset, p_delta, p_cause) THEN
      PERFORM engine.refuse('HF414', 'the key was used for something else', jsonb_build_object('key', p_key));
    END IF;
    RETURN jsonb_build_object('code', 'OK', 'event_id', v_first.event_id, 'replay', true, 'asset', p_asset,
                              'quantity', trim_scale(v_first.balance)::text);
  END IF;
  v_event_id := nextval('engine.event_ids');
  v_quantity := engine.move_unassigned(p_tenant_id, p_account_id, p_asset, p_delta, p_cause, v_event_id, v_key, p_actor,
                                       p_reason, v_now);
  v_fact := jsonb_build_object('account_id', p_account_id, 'asset', p_asset, 'delta', trim_scale(p_delta)::text,
    'quantity', trim_scale(v_quantity)::text, 'cause', p_cause, 'actor', p_actor, 'reason', p_reason);
  PERFORM engine.record_fact(p_tenant_id, v_event_id, 'unassigned.changed', v_fact, v_now);
  PERFORM engine.record_audit(p_tenant_id, p_actor, 'adjust_unassigned', NULL, v_fact, v_now);
  IF v_quantity < 0 AND p_delta < 0 THEN
    UPDATE engine.exchange_accounts SET mode = 'reducing', mode_reason = 'unassigned ' || p_asset || ' below zero'
      WHERE tenant_id = p_tenant_id AND account_id = p_account_id AND mode = 'active';
    IF FOUND THEN
      PERFORM engine.record_fact(p_tenant_id, NULL, 'account.reducing', v_fact, v_now);
    END IF;
  END IF;
  RETURN jsonb_build_object('code', 'OK', 'event_id', v_event_id, 'replay', false, 'asset', p_asset,
                            'quantity', trim_scale(v_quantity)::text);
END
$$;
COMMENT ON FUNCTION engine.fn_adjust_unassigned IS
  'Books an explained change of an unassigned holding. A repeated key gives the first event.';
REVOKE ALL ON FUNCTION engine.fn_adjust_unassigned FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_adjust_unassigned TO holdfast_engine;
