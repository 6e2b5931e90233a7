-- Turns the exchange's timer of an account off, by an operator; one that is off, or was never on, stays as it is. The
-- holder of the account's lease tells the exchange; while no daemon runs the timer runs out.
-- Locks and writes the timer; writes outbox, audit if it was on. Raises HF403 foreign tenant; HF404 no such account;
-- HF422 bad actor or reason.
CREATE OR REPLACE FUNCTION engine.fn_clear_exchange_timer(
    p_tenant_id uuid, p_account_id uuid, p_actor text, p_reason text
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_fact jsonb := jsonb_build_object('account_id', p_account_id, 'cause', 'operator', 'reason', p_reason);
  v_now timestamptz;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  PERFORM engine.checked_text(p_actor, 'actor'), engine.checked_text(p_reason, 'reason');
  PERFORM engine.require_account(p_tenant_id, p_account_id);
  PERFORM FROM engine.exchange_timers
  WHERE tenant_id = p_tenant_id AND account_id = p_account_id AND enabled FOR NO KEY UPDATE;
  IF FOUND THEN
    v_now := engine.fn_clock();
    UPDATE engine.exchange_timers SET enabled = false, changed_at = v_now, off_cause = 'operator', off_sign = NULL,
      disarm_owed = true, disarmed_at = NULL
    WHERE tenant_id = p_tenant_id AND account_id = p_account_id;
    PERFORM engine.record_fact(p_tenant_id, NULL, 'exchange_timer.off', v_fact || jsonb_build_object('actor', p_actor),
                               v_now);
    PERFORM engine.record_audit(p_tenant_id, p_actor, 'clear_exchange_timer', NULL, v_fact, v_now);
  END IF;
  RETURN engine.exchange_timer_view(p_tenant_id, p_account_id);
END
$$;
COMMENT ON FUNCTION engine.fn_clear_exchange_timer IS
  'Turns the exchange''s timer of an account off; gives it, NULL if it was never on.';
REVOKE ALL ON FUNCTION engine.fn_clear_exchange_timer FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_clear_exchange_timer TO holdfast_engine;
