-- Whether balances read by a pass can be compared: compared, or the reason why not: no_balances, cursor_moved (a trade
-- came while they were read), unresolved_intents, touched (a fill was booked since the pass began), fills_missing,
-- fills_postponed. Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.equations_state(
    p_account engine.exchange_accounts, p_part jsonb, p_postponed boolean
)
RETURNS text
LANGUAGE plpgsql STABLE SET search_path = ''
-- planned for the tables as they are: the keys of all orders are no way to the open ones
SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
  v_pass_id bigint := (SELECT p.pass_id FROM engine.reconciliation_passes p
    WHERE p.tenant_id = p_account.tenant_id AND p.account_id = p_account.account_id
      AND p.began_at <= (p_part ->> 'began_at')::timestamptz ORDER BY p.pass_id DESC LIMIT 1);
BEGIN
  RETURN CASE
    WHEN jsonb_typeof(p_part -> 'balances') IS DISTINCT FROM 'object' THEN 'no_balances'
    WHEN (p_part ->> 'cursors_same')::boolean IS NOT TRUE THEN 'cursor_moved'
    WHEN EXISTS (SELECT FROM engine.unresolved_intents(p_account)) THEN 'unresolved_intents'
    WHEN EXISTS (SELECT FROM engine.trades_since(p_account.tenant_id, coalesce(v_pass_id, 0)) e
      JOIN engine.profiles p ON p.tenant_id = p_account.tenant_id AND p.profile_id = e.profile_id
      WHERE p.account_id = p_account.account_id) THEN 'touched'
    WHEN EXISTS (SELECT FROM engine.orders o WHERE o.tenant_id = p_account.tenant_id
      AND o.account_id = p_account.account_id AND o.status = 'open' AND o.filled_quantity > o.booked_quantity)
      THEN 'fills_missing'
    WHEN p_postponed THEN 'fills_postponed'
    ELSE 'compared' END;
END
$$;
COMMENT ON FUNCTION engine.equations_state IS
  'Whether a pass''s balances can be compared, or why not.';
REVOKE ALL ON FUNCTION engine.equations_state FROM PUBLIC;
