-- Keeps what the exchange has answered about its timer: armed until a moment, or disarmed (NULL). p_as_of is that of
-- the look the call was made by. A disarm that was looked for late enough ends the debt; an earlier one is made again.
-- Locks the lease FOR SHARE, then the timer. Writes exchange_timers. Raises HF403 foreign tenant; HF404 it was never
-- turned on; HF410 the lease is another's; HF422 no p_as_of.
CREATE OR REPLACE FUNCTION engine.fn_tell_exchange_timer(
    p_tenant_id uuid, p_account_id uuid, p_fencing_token bigint, p_armed_until timestamptz, p_as_of timestamptz
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_late constant interval := '40 seconds';  -- as fn_look_exchange_timer counts
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  IF p_as_of IS NULL THEN
    PERFORM engine.refuse('HF422', 'as_of is missing', '{"argument": "as_of"}');
  END IF;
  PERFORM engine.require_lease(p_tenant_id, p_account_id, p_fencing_token, engine.fn_clock());
  UPDATE engine.exchange_timers SET armed_until = p_armed_until,
    disarmed_at = CASE WHEN p_armed_until IS NULL AND NOT enabled AND p_as_of >= changed_at THEN p_as_of
      ELSE disarmed_at END,
    disarm_owed = disarm_owed AND NOT (p_armed_until IS NULL AND p_as_of >= changed_at + v_late)
  WHERE tenant_id = p_tenant_id AND account_id = p_account_id;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'this timer was never turned on', jsonb_build_object('account_id', p_account_id));
  END IF;
  RETURN engine.exchange_timer_view(p_tenant_id, p_account_id);
END
$$;
COMMENT ON FUNCTION engine.fn_tell_exchange_timer IS
  'Keeps until when the exchange''s timer is armed, by the exchange''s own answer; gives the timer.';
REVOKE ALL ON FUNCTION engine.fn_tell_exchange_timer FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_tell_exchange_timer TO holdfast_engine;
