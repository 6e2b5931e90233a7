-- Puts an account that an order of nobody's or a shortfall speaks against into reducing, and lifts what a pass had put
-- there, by its reason, when a comparison of all balances is clean. Gives the mode after it; a dry run changes nothing.
-- Locks and writes the account's row; writes outbox and audit. Raises nothing.
CREATE OR REPLACE FUNCTION engine.set_mode_by_pass(
    p_account engine.exchange_accounts, p_mismatches jsonb, p_compared boolean, p_dry_run boolean, p_now timestamptz
)
RETURNS text
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
  v_by_pass constant text := 'reconciliation: ';
  v_why     text;
  v_before  engine.exchange_accounts;
  v_mode    text;
  v_fact    jsonb;
BEGIN
  SELECT v_by_pass || left(string_agg(m ->> 'kind' || ' ' || (m ->> 'key'), ', '
      ORDER BY m ->> 'kind', m ->> 'key'), 400)
    INTO v_why FROM jsonb_array_elements(p_mismatches) m
    WHERE m ->> 'kind' IN ('balance_shortfall', 'holdings_shortfall', 'unknown_own_order');
  IF p_dry_run IS TRUE THEN
    v_before := p_account;
  ELSE
    SELECT * INTO v_before FROM engine.exchange_accounts
      WHERE tenant_id = p_account.tenant_id AND account_id = p_account.account_id FOR NO KEY UPDATE;
  END IF;
  v_mode := CASE
    WHEN v_why IS NOT NULL AND v_before.mode = 'active' THEN 'reducing'
    WHEN v_why IS NULL AND p_compared AND v_before.mode = 'reducing' AND starts_with(v_before.mode_reason, v_by_pass)
      THEN 'active'
    ELSE v_before.mode END;
  IF p_dry_run IS TRUE OR v_mode = v_before.mode THEN
    RETURN v_mode;
  END IF;
  UPDATE engine.exchange_accounts SET mode = v_mode, mode_reason = v_why
    WHERE tenant_id = p_account.tenant_id AND account_id = p_account.account_id;
  v_fact := jsonb_build_object('level', 'account', 'id', p_account.account_id, 'mode', v_mode, 'mode_reason', v_why,
                               'before', v_before.mode);
  PERFORM engine.record_fact(p_account.tenant_id, NULL,
    CASE v_mode WHEN 'reducing' THEN 'account.reducing' ELSE 'mode.changed' END, v_fact, p_now);
  PERFORM engine.record_audit(p_account.tenant_id, 'engine', 'set_mode', NULL, v_fact, p_now);
  RETURN v_mode;
END
$$;
COMMENT ON FUNCTION engine.set_mode_by_pass IS
  'Sets an account reducing, or lifts it, by what a pass found.';
REVOKE ALL ON FUNCTION engine.set_mode_by_pass FROM PUBLIC;
