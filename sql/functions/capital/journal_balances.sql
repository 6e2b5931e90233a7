-- Works a profile's seven ledger accounts out from its journal alone. Locks nothing, writes nothing.
CREATE OR REPLACE FUNCTION engine.journal_balances(p_tenant_id uuid, p_profile_id uuid)
RETURNS jsonb
LANGUAGE sql STABLE SET search_path = ''
AS $$
  SELECT jsonb_object_agg(a.account, trim_scale(coalesce(b.balance, 0))::text)
  FROM unnest(ARRAY['CAPITAL', 'AVAILABLE', 'RESERVED_FOR_ORDERS', 'RESERVED_FOR_POSITIONS', 'DUST', 'TRADING_PNL',
                    'FEES']) AS a (account)
  LEFT JOIN (
    SELECT l.account, sum(l.amount) * CASE WHEN l.account IN ('CAPITAL', 'TRADING_PNL') THEN -1 ELSE 1 END AS balance
    FROM engine.journal j
    CROSS JOIN LATERAL (VALUES (j.debit_account, j.amount), (j.credit_account, -j.amount)) AS l (account, amount)
    WHERE j.tenant_id = p_tenant_id AND j.profile_id = p_profile_id GROUP BY l.account) b USING (account)
$$;
COMMENT ON FUNCTION engine.journal_balances IS
  'The seven balances by the journal, as text.';
REVOKE ALL ON FUNCTION engine.journal_balances FROM PUBLIC;
