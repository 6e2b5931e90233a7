-- Writes the write-ahead records of what is still open: intents with their reservations and keys. An entry's intent is
-- its entry lock: one unresolved entry per profile and symbol, whoever asks first. A held lock is never taken over,
-- expired or not: expiry means "look at the exchange".
-- An item whose key another call has used meanwhile, for an intent or a denial, becomes the marker REPLAY, rendered by
-- the caller when everything is written.
-- Locks: keys and entry locks in (profile, symbol) order; a new intent waits for a concurrent one of the same key.
-- Writes intents. Raises the table's own errors, and 23505 for the id of another key's intent.
CREATE OR REPLACE FUNCTION engine.write_intents(
  p_tenant_id uuid, p_plan engine.intent_plan[], p_kind text, p_now timestamptz
) RETURNS engine.intent_plan[]
LANGUAGE plpgsql AS $$
DECLARE
  v_made uuid[];
  v_lost record;
BEGIN
  WITH made AS (
    INSERT INTO engine.intents (tenant_id, intent_id, profile_id, account_id, robot_id, kind, symbol, side, type,
      quantity, limit_price, time_in_force, post_only, label, client_order_id, state, owner, fencing_token,
      expires_at, exchange_deadline, spec_version, created_at, updated_at, reserved_unit, reserved_amount,
      reserved_remaining, idempotency_key, request_hash)
    SELECT p_tenant_id, intent_id, profile_id, account_id, robot_id, p_kind, symbol,
      CASE p_kind WHEN 'entry' THEN 'buy' ELSE 'sell' END, type, quantity, limit_price, time_in_force, post_only,
      label, client_order_id, 'sending', owner, fencing_token, expires_at, exchange_deadline, spec_version,
      p_now, p_now, CASE p_kind WHEN 'entry' THEN 'quote' ELSE 'base' END, required, required, key, request_hash
    FROM unnest(p_plan) WHERE result IS NULL
    ORDER BY profile_id, symbol, item
    ON CONFLICT DO NOTHING
    RETURNING intent_id)
  SELECT coalesce(array_agg(intent_id), '{}') INTO v_made FROM made;
  FOR v_lost IN  -- a statement of its own: it sees what was waited for
    SELECT d.item, d.intent_id, d.client_order_id, d.turn = 1 AND d.intent_id = ANY (v_made) AS made,
      d.turn > 1 OR u.intent_id IS NOT NULL OR k.key IS NOT NULL AS used, l.intent_id AS holder, l.expires_at
    FROM (SELECT *, row_number() OVER (PARTITION BY intent_id ORDER BY item) AS turn
          FROM unnest(p_plan) WHERE result IS NULL) d
    LEFT JOIN LATERAL (SELECT intent_id FROM engine.intents WHERE tenant_id = p_tenant_id
      AND robot_id = d.robot_id AND idempotency_key = d.key LIMIT 1) u ON true
    LEFT JOIN LATERAL (SELECT key FROM engine.denials WHERE tenant_id = p_tenant_id AND robot_id = d.robot_id
      AND key = d.key LIMIT 1) k ON true
    LEFT JOIN LATERAL (SELECT intent_id, expires_at FROM engine.entry_locks WHERE tenant_id = p_tenant_id
      AND profile_id = d.profile_id AND symbol = d.symbol AND p_kind = 'entry' LIMIT 1) l ON true
    WHERE d.turn > 1 OR k.key IS NOT NULL OR d.intent_id <> ALL (v_made)
  LOOP
    IF v_lost.made THEN
      DELETE FROM engine.intents WHERE tenant_id = p_tenant_id AND intent_id = v_lost.intent_id;
    ELSIF NOT v_lost.used AND (p_kind = 'exit' OR EXISTS (
        SELECT FROM engine.intents WHERE tenant_id = p_tenant_id
          AND (intent_id = v_lost.intent_id OR client_order_id = v_lost.client_order_id))) THEN
      RAISE EXCEPTION USING ERRCODE = 'unique_violation', MESSAGE = 'another key has an intent of this id',
        DETAIL = jsonb_build_object('intent_id', v_lost.intent_id, 'client_order_id', v_lost.client_order_id)::text;
    END IF;
    p_plan[v_lost.item].result := CASE WHEN v_lost.used THEN '{"code": "REPLAY"}'
      ELSE engine.entry_locked_by(p_tenant_id, v_lost.holder, v_lost.expires_at) END;
  END LOOP;
  RETURN p_plan;
END $$;
COMMENT ON FUNCTION engine.write_intents(uuid, engine.intent_plan[], text, timestamptz) IS
  'writes intents with their reservations and keys; an entry''s is its entry lock';
REVOKE ALL ON FUNCTION engine.write_intents(uuid, engine.intent_plan[], text, timestamptz) FROM PUBLIC;
