-- Moves an account's unassigned holdings, each movement with the event that explains it and its outbox row, as one
-- statement per table however many there are.
-- Locks unassigned_holdings in asset order (last in the lock order). Writes it, unassigned_events and outbox.
-- Raises 23505: a movement was booked meanwhile.
CREATE OR REPLACE FUNCTION engine.move_holdings(
    p_account engine.exchange_accounts, p_moves engine.foreign_move[], p_now timestamptz
)
RETURNS void
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
  IF coalesce(cardinality(p_moves), 0) = 0 THEN
    RETURN;
  END IF;
  INSERT INTO engine.unassigned_holdings (tenant_id, account_id, asset, quantity)
    SELECT DISTINCT p_account.tenant_id, p_account.account_id, m.asset, 0 FROM unnest(p_moves) m ORDER BY m.asset
    ON CONFLICT DO NOTHING;
  PERFORM FROM engine.unassigned_holdings
    WHERE tenant_id = p_account.tenant_id AND account_id = p_account.account_id
      AND asset IN (SELECT m.asset FROM unnest(p_moves) m)
    ORDER BY asset FOR NO KEY UPDATE;
  WITH numbered AS MATERIALIZED (
    SELECT m.*, h.quantity + sum(m.delta) OVER (PARTITION BY m.asset ORDER BY m.place) AS balance,
      nextval('engine.event_ids') AS event_id
    FROM unnest(p_moves) WITH ORDINALITY m (asset, delta, cause, key, reason, place)
    JOIN engine.unassigned_holdings h
      ON h.tenant_id = p_account.tenant_id AND h.account_id = p_account.account_id AND h.asset = m.asset
  ), booked AS (
    INSERT INTO engine.unassigned_events (tenant_id, event_id, account_id, asset, delta, balance, cause,
      idempotency_key, actor, reason, recorded_at)
    SELECT p_account.tenant_id, n.event_id, p_account.account_id, n.asset, n.delta, n.balance, n.cause, n.key,
      'exchange', n.reason, p_now
    FROM numbered n
  ), told AS (
    INSERT INTO engine.outbox (tenant_id, event_id, type, payload, recorded_at)
    SELECT p_account.tenant_id, n.event_id, 'unassigned.changed', jsonb_build_object(
      'account_id', p_account.account_id, 'asset', n.asset, 'delta', trim_scale(n.delta)::text,
      'quantity', trim_scale(n.balance)::text, 'cause', n.cause, 'actor', 'exchange', 'reason', n.reason), p_now
    FROM numbered n
  )
  UPDATE engine.unassigned_holdings h SET quantity = h.quantity + d.delta
  FROM (SELECT n.asset, sum(n.delta) AS delta FROM numbered n GROUP BY n.asset) d
  WHERE h.tenant_id = p_account.tenant_id AND h.account_id = p_account.account_id AND h.asset = d.asset;
END
$$;
COMMENT ON FUNCTION engine.move_holdings IS
  'Moves unassigned holdings, each movement with its event.';
REVOKE ALL ON FUNCTION engine.move_holdings FROM PUBLIC;
