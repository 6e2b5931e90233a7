-- An account's timer as people see it; NULL if it was never turned on.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.exchange_timer_view(p_tenant_id uuid, p_account_id uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
  RETURN (
    SELECT jsonb_build_object('enabled', t.enabled, 'timeout_s', t.timeout_s, 'changed_at', t.changed_at,
      'off_cause', t.off_cause, 'off_sign', t.off_sign, 'armed_until', t.armed_until)
    FROM engine.exchange_timers t WHERE t.tenant_id = p_tenant_id AND t.account_id = p_account_id);
END
$$;
COMMENT ON FUNCTION engine.exchange_timer_view IS
  'The exchange''s timer of an account: whether it is on, and until when the exchange said that it is armed.';
REVOKE ALL ON FUNCTION engine.exchange_timer_view FROM PUBLIC;
