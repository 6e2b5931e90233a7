-- Writes one entry that nothing speaks against: what claim_keys, take_entry_locks, reserve_for_entries and
-- write_intents do for arrays, in scalar statements, because a robot's single order is the common case and
-- set-based statements cost twice as much for one row. Losing a race for key, lock or capital hands the item
-- over to those functions. Returns the item with its result.
-- Locks: idempotency key, entry_locks, profile_capital. Writes what fn_open_entry writes. Raises nothing.
CREATE OR REPLACE FUNCTION engine.write_entry(p_tenant_id uuid, p_item engine.intent_plan, p_now timestamptz)
RETURNS engine.intent_plan
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO engine.idempotency_keys (tenant_id, robot_id, key, request_hash, intent_id, created_at)
  VALUES (p_tenant_id, p_item.robot_id, p_item.key, p_item.request_hash, p_item.intent_id, p_now)
  ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    p_item.result := '{"code": "REPLAY"}';
    RETURN p_item;
  END IF;
  INSERT INTO engine.entry_locks AS l (tenant_id, profile_id, symbol, intent_id, owner, fencing_token,
    acquired_at, expires_at)
  VALUES (p_tenant_id, p_item.profile_id, p_item.symbol, p_item.intent_id, p_item.owner, p_item.fencing_token,
    p_now, p_item.expires_at)
  ON CONFLICT (tenant_id, profile_id, symbol) DO UPDATE SET intent_id = EXCLUDED.intent_id,
    owner = EXCLUDED.owner, fencing_token = EXCLUDED.fencing_token, acquired_at = EXCLUDED.acquired_at,
    expires_at = EXCLUDED.expires_at
    WHERE l.intent_id IS NULL;
  IF NOT FOUND THEN
    RETURN (engine.take_entry_locks(p_tenant_id, ARRAY[p_item], p_now))[1];
  END IF;
  UPDATE engine.profile_capital SET available = available - p_item.required,
    reserved_for_orders = reserved_for_orders + p_item.required, version = version + 1, updated_at = p_now
  WHERE tenant_id = p_tenant_id AND profile_id = p_item.profile_id AND available >= p_item.required
    AND mode = 'active'
  RETURNING available, reserved_for_orders, version INTO p_item.available, p_item.reserved, p_item.version;
  IF FOUND THEN
    p_item.event_id := nextval('engine.event_ids');
  ELSE
    p_item := (engine.reserve_for_entries(p_tenant_id, ARRAY[p_item], p_now))[1];
    IF p_item.result IS NOT NULL THEN
      RETURN p_item;
    END IF;
  END IF;
  INSERT INTO engine.intents (tenant_id, intent_id, profile_id, account_id, robot_id, kind, symbol, side, type,
    quantity, limit_price, time_in_force, post_only, label, client_order_id, state, owner, fencing_token,
    expires_at, exchange_deadline, spec_version, created_at, updated_at)
  VALUES (p_tenant_id, p_item.intent_id, p_item.profile_id, p_item.account_id, p_item.robot_id, 'entry',
    p_item.symbol, 'buy', p_item.type, p_item.quantity, p_item.limit_price, p_item.time_in_force,
    p_item.post_only, p_item.label, p_item.client_order_id, 'sending', p_item.owner, p_item.fencing_token,
    p_item.expires_at, p_item.exchange_deadline, p_item.spec_version, p_now, p_now);
  INSERT INTO engine.reservations (tenant_id, intent_id, profile_id, unit, amount, remaining)
  VALUES (p_tenant_id, p_item.intent_id, p_item.profile_id, 'quote', p_item.required, p_item.required);
  INSERT INTO engine.economic_events (tenant_id, event_id, profile_id, version, type, idempotency_key, intent_id,
    actor, spec_version, recorded_at)
  VALUES (p_tenant_id, p_item.event_id, p_item.profile_id, p_item.version, 'reserve',
    'reserve:' || p_item.intent_id, p_item.intent_id, 'robot:' || p_item.robot_id, p_item.spec_version, p_now);
  INSERT INTO engine.journal (tenant_id, event_id, line, profile_id, debit_account, credit_account, amount,
    debit_balance, credit_balance)
  VALUES (p_tenant_id, p_item.event_id, 1, p_item.profile_id, 'RESERVED_FOR_ORDERS', 'AVAILABLE',
    p_item.required, p_item.reserved, p_item.available);
  INSERT INTO engine.outbox (tenant_id, event_id, profile_id, intent_id, type, payload, recorded_at)
  VALUES (p_tenant_id, p_item.event_id, p_item.profile_id, p_item.intent_id, 'entry.sending',
    engine.sending_payload(p_item), p_now);
  RETURN p_item;
END $$;
COMMENT ON FUNCTION engine.write_entry(uuid, engine.intent_plan, timestamptz) IS 'writes one open entry';
REVOKE ALL ON FUNCTION engine.write_entry(uuid, engine.intent_plan, timestamptz) FROM PUBLIC;
