-- What the holder of an account's lease has to do about its timer now; turns it off if the ledger knows of a stranger.
-- wants: renew (armed as far as the exchange has said), arm (a whole pass since it was turned on found the account in
-- order), pass (that pass is missing), disarm (at once, and once more when no arming call can still be on its way), or
-- nothing. A timer that is owed a disarm and has run out by itself wants nothing.
-- Locks nothing, or the timer as it turns off. Writes exchange_timers, outbox, audit when it does; that is a fact and
-- needs no token. NULL: never turned on. Raises HF403 foreign tenant.
CREATE OR REPLACE FUNCTION engine.fn_look_exchange_timer(p_tenant_id uuid, p_account_id uuid)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
  v_late constant interval := '40 seconds';  -- 5 to write an arming call, 30 in which the exchange takes it, 5 to spare
  v_over constant interval := '100 seconds';  -- after its own time an armed timer has run out for sure
  v_timer engine.exchange_timers;
  v_sign jsonb;
  v_pass_at timestamptz;
  v_tripped boolean := false;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  SELECT * INTO v_timer FROM engine.exchange_timers WHERE tenant_id = p_tenant_id AND account_id = p_account_id;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  IF v_timer.enabled THEN
    v_sign := engine.sign_of_stranger(p_tenant_id, p_account_id, v_now);
    IF v_sign IS NOT NULL THEN
      v_tripped := engine.trip_exchange_timer(p_tenant_id, p_account_id, v_sign, v_now);
      SELECT * INTO v_timer FROM engine.exchange_timers WHERE tenant_id = p_tenant_id AND account_id = p_account_id;
    END IF;
  END IF;
  IF v_timer.enabled AND (v_timer.armed_until > v_now) IS NOT TRUE THEN
    SELECT p.began_at INTO v_pass_at FROM engine.reconciliation_passes p
    WHERE p.tenant_id = p_tenant_id AND p.account_id = p_account_id AND p.profile_id IS NULL AND NOT p.dry_run
      AND p.outcome IN ('clean', 'healed', 'explained')
    ORDER BY p.pass_id DESC LIMIT 1;
  END IF;
  RETURN engine.exchange_timer_view(p_tenant_id, p_account_id) || jsonb_build_object(
    'as_of', v_now, 'tripped', v_tripped, 'wants', CASE
      WHEN v_timer.enabled AND v_timer.armed_until > v_now THEN 'renew'
      WHEN v_timer.enabled AND v_pass_at >= v_timer.changed_at THEN 'arm'
      WHEN v_timer.enabled THEN 'pass'
      WHEN v_timer.disarm_owed AND v_now < v_timer.changed_at + v_over + v_timer.timeout_s * interval '1 second'
        AND (v_timer.disarmed_at IS NULL OR v_now >= v_timer.changed_at + v_late) THEN 'disarm'
      ELSE 'nothing' END);
END
$$;
COMMENT ON FUNCTION engine.fn_look_exchange_timer IS
  'The exchange''s timer of an account and what it wants now; a stranger turns it off.';
REVOKE ALL ON FUNCTION engine.fn_look_exchange_timer FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_look_exchange_timer TO holdfast_engine;
