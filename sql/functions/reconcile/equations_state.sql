-- Whether balances read by a pass can be compared: compared, or the reason why not: no_balances, cursor_moved (a trade
-- came while they were read), unresolved_intents, touched (a fill was booked since the pass began), fills_missing,
-- fills_postponed. Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.equations_state(
    p_account engine.exchange_accounts, p_part jsonb, p_postponed boolean
)
RETURNS text
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
  v_pass_id bigint := (SELECT p.pass_id FROM engine.reconciliation_passes p
    WHERE p.tenant_id = p_account.tenant_id AND p.account_id = p_account.account_id
      AND p.began_at <= (p_part ->> 'began_at')::timestamptz ORDER BY p.pass_id DESC LIMIT 1);
BEGIN
  RETURN CASE
    WHEN jsonb_typeof(p_part -> 'balances') IS DISTINCT FROM 'object' THEN 'no_balances'
    WHEN (p_part ->> 'cursors_same')::boolean IS NOT TRUE THEN 'cursor_moved'
    WHEN EXISTS (SELECT FROM engine.intents i WHERE i.state IN ('sending', 'in_doubt', 'needs_operator')
      AND i.tenant_id = p_account.tenant_id AND i.account_id = p_account.account_id) THEN 'unresolved_intents'
    WHEN EXISTS (SELECT FROM engine.profiles p CROSS JOIN LATERAL (SELECT e.type FROM engine.journal j
        CROSS JOIN LATERAL (SELECT e.type FROM engine.economic_events e WHERE e.tenant_id = p.tenant_id
          AND e.event_id = j.event_id LIMIT 1) e
        WHERE j.tenant_id = p.tenant_id AND j.profile_id = p.profile_id AND j.event_id > coalesce(v_pass_id, 0)
          AND e.type IN ('entry_fill', 'exit_fill', 'fill_correction', 'adjustment') LIMIT 1) e
      WHERE p.tenant_id = p_account.tenant_id AND p.account_id = p_account.account_id) THEN 'touched'
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
