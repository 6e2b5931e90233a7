-- Turns an account's timer off because of a stranger; one that is off stays as it is. Gives whether it did.
-- Locks and writes the timer; writes outbox, audit if it was on. Raises nothing.
CREATE OR REPLACE FUNCTION engine.trip_exchange_timer(
    p_tenant_id uuid, p_account_id uuid, p_sign jsonb, p_now timestamptz
)
RETURNS boolean
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
  v_actor constant text := 'engine:exchange_timer';
  v_fact jsonb := jsonb_build_object('account_id', p_account_id, 'cause', 'stranger', 'sign', p_sign);
BEGIN
  UPDATE engine.exchange_timers SET enabled = false, changed_at = p_now, off_cause = 'stranger', off_sign = p_sign,
    disarm_owed = true, disarmed_at = NULL
  WHERE tenant_id = p_tenant_id AND account_id = p_account_id AND enabled;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM engine.record_fact(p_tenant_id, NULL, 'exchange_timer.off', v_fact || jsonb_build_object('actor', v_actor),
                             p_now);
  PERFORM engine.record_audit(p_tenant_id, v_actor, 'trip_exchange_timer', NULL, v_fact, p_now);
  RETURN true;
END
$$;
COMMENT ON FUNCTION engine.trip_exchange_timer IS
  'Turns the exchange''s timer of an account off: it is not ours alone.';
REVOKE ALL ON FUNCTION engine.trip_exchange_timer FROM PUBLIC;
