-- Reads the balance that the last journal row of each ledger account shows. Locks nothing, writes nothing.
CREATE OR REPLACE FUNCTION engine.last_balances(p_tenant_id uuid, p_profile_id uuid)
RETURNS jsonb
LANGUAGE sql STABLE SET search_path = ''
AS $$
  SELECT coalesce(jsonb_object_agg(b.account, trim_scale(b.balance)::text), '{}')
  FROM (
    SELECT DISTINCT ON (l.account) l.account, l.balance
    FROM engine.journal j JOIN engine.economic_events e USING (tenant_id, event_id)
    CROSS JOIN LATERAL (VALUES (j.debit_account, j.debit_balance), (j.credit_account, j.credit_balance))
      AS l (account, balance)
    WHERE j.tenant_id = p_tenant_id AND j.profile_id = p_profile_id
    ORDER BY l.account, e.version DESC, j.line DESC) b
$$;
COMMENT ON FUNCTION engine.last_balances IS
  'The last stated balance of each account that ever moved, as text.';
REVOKE ALL ON FUNCTION engine.last_balances FROM PUBLIC;
