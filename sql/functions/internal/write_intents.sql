-- Writes the write-ahead records of what is still open: intents with their reservations. An entry's intent is its
-- entry lock: one unresolved entry per profile and symbol, whoever asks first. A held lock is never taken over,
-- expired or not: expiry means "look at the exchange".
-- Locks: entry locks in (profile, symbol) order; a new intent waits for a concurrent one of the same key.
-- Writes intents, and undoes the claims of items that found their lock held. Raises the table's own errors.
CREATE OR REPLACE FUNCTION engine.write_intents(
  p_tenant_id uuid, p_plan engine.intent_plan[], p_kind text, p_now timestamptz
) RETURNS engine.intent_plan[]
LANGUAGE plpgsql AS $$
DECLARE
  v_taken uuid[];
  v_lost integer[];
  v_lock record;
BEGIN
  WITH taken AS (
    INSERT INTO engine.intents (tenant_id, intent_id, profile_id, account_id, robot_id, kind, symbol, side, type,
      quantity, limit_price, time_in_force, post_only, label, client_order_id, state, owner, fencing_token,
      expires_at, exchange_deadline, spec_version, created_at, updated_at, reserved_unit, reserved_amount,
      reserved_remaining)
    SELECT p_tenant_id, intent_id, profile_id, account_id, robot_id, p_kind, symbol,
      CASE p_kind WHEN 'entry' THEN 'buy' ELSE 'sell' END, type, quantity, limit_price, time_in_force, post_only,
      label, client_order_id, 'sending', owner, fencing_token, expires_at, exchange_deadline, spec_version,
      p_now, p_now, CASE p_kind WHEN 'entry' THEN 'quote' ELSE 'base' END, required, required
    FROM unnest(p_plan) WHERE result IS NULL
    ORDER BY profile_id, symbol, item
    ON CONFLICT (tenant_id, profile_id, symbol)
      WHERE kind = 'entry' AND state IN ('sending', 'in_doubt', 'needs_operator') DO NOTHING
    RETURNING intent_id)
  SELECT array_agg(intent_id) INTO v_taken FROM taken;
  SELECT array_agg(item) INTO v_lost FROM unnest(p_plan)
  WHERE result IS NULL AND intent_id <> ALL (coalesce(v_taken, '{}'));
  IF v_lost IS NULL THEN
    RETURN p_plan;
  END IF;
  FOR v_lock IN
    SELECT d.item, l.intent_id, l.expires_at FROM unnest(p_plan) d
    LEFT JOIN engine.entry_locks l
      ON l.tenant_id = p_tenant_id AND l.profile_id = d.profile_id AND l.symbol = d.symbol
    WHERE d.item = ANY (v_lost)
  LOOP
    p_plan[v_lock.item].result := engine.entry_locked_by(p_tenant_id, v_lock.intent_id, v_lock.expires_at);
  END LOOP;
  PERFORM engine.undo_claims(p_tenant_id, p_plan, v_lost, p_kind, p_now);
  RETURN p_plan;
END $$;
COMMENT ON FUNCTION engine.write_intents(uuid, engine.intent_plan[], text, timestamptz) IS
  'writes intents with their reservations; an entry''s is its entry lock';
REVOKE ALL ON FUNCTION engine.write_intents(uuid, engine.intent_plan[], text, timestamptz) FROM PUBLIC;
