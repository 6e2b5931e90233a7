-- What deposits and withdrawals move of the unassigned holdings, those that are not booked yet: a deposit brings its
-- quantity, a withdrawal takes its quantity and its fee. One before the account was registered lies in the baseline.
-- Locks nothing, writes nothing. Raises HF422: neither a deposit nor a withdrawal.
CREATE OR REPLACE FUNCTION engine.transfer_moves(p_account engine.exchange_accounts, p_transfers jsonb)
RETURNS engine.foreign_move[]
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
  IF EXISTS (SELECT FROM jsonb_array_elements(coalesce(p_transfers, '[]')) t
      WHERE (t ->> 'kind' IN ('deposit', 'withdrawal') AND t ->> 'id' <> '') IS NOT TRUE) THEN
    PERFORM engine.refuse('HF422', 'a transfer is a deposit or a withdrawal with an id', '{"argument": "transfers"}');
  END IF;
  RETURN ARRAY(
    SELECT ROW(t.asset, t.delta, t.kind, t.key, t.kind || ' ' || t.id)::engine.foreign_move
    FROM (
      SELECT DISTINCT ON (g.kind, g.id) g.kind, g.id, g.asset, g.at,
        CASE g.kind WHEN 'deposit' THEN g.quantity ELSE -(g.quantity + coalesce(g.fee, 0)) END AS delta,
        'transfer:' || p_account.account_id || ':' || g.kind || ':' || g.id AS key
      FROM jsonb_to_recordset(coalesce(p_transfers, '[]'))
        AS g (id text, kind text, asset text, quantity numeric, fee numeric, at timestamptz)
      WHERE g.at >= p_account.created_at
      ORDER BY g.kind, g.id) t
    LEFT JOIN LATERAL (SELECT e.event_id FROM engine.unassigned_events e WHERE e.tenant_id = p_account.tenant_id
      AND e.idempotency_key = t.key LIMIT 1) e ON true
    WHERE e.event_id IS NULL AND t.delta <> 0
    ORDER BY t.at, t.kind, t.id);
END
$$;
COMMENT ON FUNCTION engine.transfer_moves IS
  'What new deposits and withdrawals move of the unassigned holdings.';
REVOKE ALL ON FUNCTION engine.transfer_moves FROM PUBLIC;
