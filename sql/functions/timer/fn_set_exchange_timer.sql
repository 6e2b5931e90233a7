-- Turns the exchange's timer of an account on (cancel all after), or changes its seconds; the same again changes
-- nothing. By an operator, whose word it is that nobody else trades there. What exchange takes which seconds, Python
-- knows. Nothing is sent: the holder of the account's lease arms it after the next whole pass.
-- Locks the account's row against removal, and the timer. Writes exchange_timers, outbox, audit.
-- Raises HF403 foreign tenant; HF404 no such account; HF418 the ledger knows of strangers there; HF422 bad seconds,
-- actor or reason, or no word that the account is ours alone.
CREATE OR REPLACE FUNCTION engine.fn_set_exchange_timer(
    p_tenant_id uuid, p_account_id uuid, p_timeout_s integer, p_ours_alone boolean, p_actor text, p_reason text
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now timestamptz;
  v_sign jsonb;
  v_before engine.exchange_timers;
  v_fact jsonb;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  PERFORM engine.checked_text(p_actor, 'actor'), engine.checked_text(p_reason, 'reason');
  IF (p_timeout_s BETWEEN 1 AND 86400) IS NOT TRUE THEN
    PERFORM engine.refuse('HF422', 'timeout_s lies between 1 and 86400', '{"argument": "timeout_s"}');
  ELSIF p_ours_alone IS NOT TRUE THEN
    PERFORM engine.refuse('HF422', 'the timer cancels every order of the account: say that it is ours alone',
                          '{"argument": "ours_alone"}');
  END IF;
  PERFORM FROM engine.exchange_accounts WHERE tenant_id = p_tenant_id AND account_id = p_account_id FOR KEY SHARE;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such account', jsonb_build_object('account_id', p_account_id));
  END IF;
  SELECT * INTO v_before FROM engine.exchange_timers
  WHERE tenant_id = p_tenant_id AND account_id = p_account_id FOR NO KEY UPDATE;
  v_now := engine.fn_clock();
  v_sign := engine.sign_of_stranger(p_tenant_id, p_account_id, v_now);
  IF v_sign IS NOT NULL THEN
    PERFORM engine.refuse('HF418', 'others trade on this account: the timer would cancel their orders',
                          v_sign || jsonb_build_object('account_id', p_account_id));
  END IF;
  IF v_before.enabled AND v_before.timeout_s = p_timeout_s THEN
    RETURN engine.exchange_timer_view(p_tenant_id, p_account_id);
  END IF;
  INSERT INTO engine.exchange_timers AS t (tenant_id, account_id, timeout_s, enabled, changed_at, disarm_owed)
  VALUES (p_tenant_id, p_account_id, p_timeout_s, true, v_now, false)
  ON CONFLICT (tenant_id, account_id) DO UPDATE SET timeout_s = excluded.timeout_s, enabled = true, disarm_owed = false,
    changed_at = CASE WHEN t.enabled THEN t.changed_at ELSE excluded.changed_at END, off_cause = NULL, off_sign = NULL,
    disarmed_at = NULL;
  v_fact := jsonb_build_object('account_id', p_account_id, 'timeout_s', p_timeout_s, 'reason', p_reason);
  PERFORM engine.record_fact(p_tenant_id, NULL, 'exchange_timer.on', v_fact || jsonb_build_object('actor', p_actor),
                             v_now);
  PERFORM engine.record_audit(p_tenant_id, p_actor, 'set_exchange_timer', NULL,
                              v_fact || jsonb_build_object('ours_alone', true), v_now);
  RETURN engine.exchange_timer_view(p_tenant_id, p_account_id);
END
$$;
COMMENT ON FUNCTION engine.fn_set_exchange_timer IS
  'Turns the exchange''s timer of an account on; gives it.';
REVOKE ALL ON FUNCTION engine.fn_set_exchange_timer FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_set_exchange_timer TO holdfast_engine;
