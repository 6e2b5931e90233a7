-- Opens a lone entry that nothing speaks against, in scalar statements: a robot's single order is the common
-- case, and set-based statements, or all writes as one statement, cost it more. Whatever is not plainly fine -
-- unknown, denied, a race lost for key, lock or capital - leaves no trace here and is decided by the functions
-- for arrays.
-- Locks: idempotency key, entry_locks, profile_capital. Writes what fn_open_entry writes.
-- Returns the item's result, or NULL: not opened. Raises nothing.
CREATE OR REPLACE FUNCTION engine.open_lone_entry(p_tenant_id uuid, p_item jsonb, p_now timestamptz) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  v_quantity numeric := engine.plain_number(p_item ->> 'quantity');
  v_price numeric := engine.plain_number(p_item ->> 'limit_price');
  v engine.intent_plan;
BEGIN
  SELECT 1, (p_item ->> 'robot_id')::uuid, p.profile_id, p_item ->> 'idempotency_key', p_item ->> 'request_hash',
    (p_item ->> 'intent_id')::uuid, p_item ->> 'client_order_id', u.symbol, p_item ->> 'type', v_quantity, v_price,
    p_item ->> 'time_in_force', (p_item ->> 'post_only')::boolean, p_item ->> 'label', (p_item ->> 'owner')::uuid,
    p_now + (p_item ->> 'lock_ttl_ms')::integer * interval '1 millisecond',
    (p_item ->> 'exchange_deadline')::timestamptz, (p_item ->> 'price_at')::timestamptz, p.account_id,
    p.spec_version, nextval('engine.fencing_tokens'),
    engine.entry_cost(v_quantity, v_price, u.maker_fee_rate, u.taker_fee_rate), NULL, NULL, NULL, NULL,
    engine.judge_entry(u.symbol, v_quantity, v_price, p.quote_asset, u, ARRAY[e.mode::text, t.mode, a.mode],
      ARRAY[e.mode_reason, t.mode_reason, a.mode_reason], s.spec)
  INTO v
  FROM engine.profiles p, engine.instruments u, engine.engine_settings e, engine.tenants t,
    -- LIMIT 1 makes it a probe by the whole key, not a look at all accounts or all versions of a spec
    LATERAL (SELECT mode::text, mode_reason FROM engine.exchange_accounts
      WHERE tenant_id = p_tenant_id AND account_id = p.account_id LIMIT 1) a,
    LATERAL (SELECT spec FROM engine.profile_specs
      WHERE tenant_id = p_tenant_id AND profile_id = p.profile_id AND version = p.spec_version LIMIT 1) s
  WHERE p.tenant_id = p_tenant_id AND p.profile_id = (p_item ->> 'profile_id')::uuid
    AND u.tenant_id = p_tenant_id AND u.account_id = p.account_id AND u.symbol = p_item ->> 'symbol'
    AND e.only_row AND t.tenant_id = p_tenant_id;
  IF NOT FOUND OR v.result IS NOT NULL THEN
    RETURN NULL;
  END IF;
  INSERT INTO engine.idempotency_keys (tenant_id, robot_id, key, request_hash, intent_id, created_at)
  VALUES (p_tenant_id, v.robot_id, v.key, v.request_hash, v.intent_id, p_now)
  ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  INSERT INTO engine.entry_locks AS l (tenant_id, profile_id, symbol, intent_id, owner, fencing_token,
    acquired_at, expires_at)
  VALUES (p_tenant_id, v.profile_id, v.symbol, v.intent_id, v.owner, v.fencing_token, p_now, v.expires_at)
  ON CONFLICT (tenant_id, profile_id, symbol) DO UPDATE SET intent_id = EXCLUDED.intent_id,
    owner = EXCLUDED.owner, fencing_token = EXCLUDED.fencing_token, acquired_at = EXCLUDED.acquired_at,
    expires_at = EXCLUDED.expires_at
    WHERE l.intent_id IS NULL;
  IF FOUND THEN
    UPDATE engine.profile_capital SET available = available - v.required,
      reserved_for_orders = reserved_for_orders + v.required, version = version + 1, updated_at = p_now
    WHERE tenant_id = p_tenant_id AND profile_id = v.profile_id AND available >= v.required AND mode = 'active'
    RETURNING available, reserved_for_orders, version INTO v.available, v.reserved, v.version;
  END IF;
  IF NOT FOUND THEN
    DELETE FROM engine.entry_locks
    WHERE tenant_id = p_tenant_id AND profile_id = v.profile_id AND symbol = v.symbol AND intent_id = v.intent_id;
    DELETE FROM engine.idempotency_keys
    WHERE tenant_id = p_tenant_id AND robot_id = v.robot_id AND key = v.key;
    RETURN NULL;
  END IF;
  v.event_id := nextval('engine.event_ids');
  INSERT INTO engine.intents (tenant_id, intent_id, profile_id, account_id, robot_id, kind, symbol, side, type,
    quantity, limit_price, time_in_force, post_only, label, client_order_id, state, owner, fencing_token,
    expires_at, exchange_deadline, spec_version, created_at, updated_at)
  VALUES (p_tenant_id, v.intent_id, v.profile_id, v.account_id, v.robot_id, 'entry', v.symbol, 'buy', v.type,
    v.quantity, v.limit_price, v.time_in_force, v.post_only, v.label, v.client_order_id, 'sending', v.owner,
    v.fencing_token, v.expires_at, v.exchange_deadline, v.spec_version, p_now, p_now);
  INSERT INTO engine.reservations (tenant_id, intent_id, profile_id, unit, amount, remaining)
  VALUES (p_tenant_id, v.intent_id, v.profile_id, 'quote', v.required, v.required);
  INSERT INTO engine.economic_events (tenant_id, event_id, profile_id, version, type, idempotency_key, intent_id,
    actor, spec_version, recorded_at)
  VALUES (p_tenant_id, v.event_id, v.profile_id, v.version, 'reserve', 'reserve:' || v.intent_id, v.intent_id,
    'robot:' || v.robot_id, v.spec_version, p_now);
  INSERT INTO engine.journal (tenant_id, event_id, line, profile_id, debit_account, credit_account, amount,
    debit_balance, credit_balance)
  VALUES (p_tenant_id, v.event_id, 1, v.profile_id, 'RESERVED_FOR_ORDERS', 'AVAILABLE', v.required, v.reserved,
    v.available);
  INSERT INTO engine.outbox (tenant_id, event_id, profile_id, intent_id, type, payload, recorded_at)
  VALUES (p_tenant_id, v.event_id, v.profile_id, v.intent_id, 'entry.sending', engine.sending_payload(v), p_now);
  RETURN engine.opened_result(v);
END $$;
COMMENT ON FUNCTION engine.open_lone_entry(uuid, jsonb, timestamptz) IS 'opens one entry that is plainly fine';
REVOKE ALL ON FUNCTION engine.open_lone_entry(uuid, jsonb, timestamptz) FROM PUBLIC;
