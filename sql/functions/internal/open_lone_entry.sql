-- Opens a lone entry that nothing speaks against, in scalar statements: a robot's single order is the common
-- case, and set-based statements, or all writes as one statement, cost it more. A known key is answered here
-- too. Whatever else is not plainly fine - unknown, denied, a mode, a limit, a race lost for lock or capital -
-- leaves no trace and is decided by the functions for arrays.
-- Five statements, because each costs more to prepare than to run; the hot row is held for the last one only.
-- Locks: key and entry lock (both are the intent's row), its turn, profile_capital. Writes intents, profile_capital, facts.
-- Returns the item's result, or NULL: not opened. Raises nothing.
CREATE OR REPLACE FUNCTION engine.open_lone_entry(p_tenant_id uuid, p_item jsonb, p_now timestamptz) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  v_robot_id uuid := p_item ->> 'robot_id';
  v_key text := p_item ->> 'idempotency_key';
  v_intent_id uuid := p_item ->> 'intent_id';
  v_known engine.intents;
  v_profile_id uuid;
  v_symbol text;
  v_type text;
  v_label text;
  v_quantity numeric;
  v_price numeric;
  v_client_order_id text;
  v_deadline timestamptz;
  v_expires_at timestamptz;
  v_account_id uuid;
  v_spec_version integer;
  v_token bigint;
  v_required numeric;
  v_available numeric;
  v_reserved numeric;
  v_version bigint;
BEGIN
  SELECT * INTO v_known FROM engine.intents
  WHERE tenant_id = p_tenant_id AND robot_id = v_robot_id AND idempotency_key = v_key;
  IF FOUND THEN
    RETURN engine.replayed_intent(v_known, p_item ->> 'request_hash');  -- which needs none of the rest
  END IF;
  v_profile_id := p_item ->> 'profile_id';
  v_symbol := p_item ->> 'symbol';
  v_type := p_item ->> 'type';
  v_label := p_item ->> 'label';
  v_quantity := engine.plain_number(p_item ->> 'quantity');
  v_price := engine.plain_number(p_item ->> 'limit_price');
  v_client_order_id := p_item ->> 'client_order_id';
  v_deadline := p_item ->> 'exchange_deadline';
  SELECT p.account_id, p.spec_version, nextval('engine.fencing_tokens'),
    engine.entry_cost(v_quantity, v_price, u.maker_fee_rate, u.taker_fee_rate),
    p_now + (p_item ->> 'lock_ttl_ms')::integer * interval '1 millisecond'
  INTO v_account_id, v_spec_version, v_token, v_required, v_expires_at
  FROM engine.profiles p, engine.instruments u, engine.engine_settings e
  WHERE p.tenant_id = p_tenant_id AND p.profile_id = v_profile_id AND p.account_active
    AND p.tenant_active AND p.spec_is_empty
    AND u.tenant_id = p_tenant_id AND u.account_id = p.account_id AND u.symbol = v_symbol
    AND e.only_row AND e.mode = 'active' AND engine.entry_is_fine(v_quantity, v_price, p.quote_asset, u)
    AND (v_type <> 'market' OR coalesce((p_item ->> 'spec_version')::integer, p.spec_version) = p.spec_version);
  IF FOUND THEN
    INSERT INTO engine.intents (tenant_id, intent_id, profile_id, account_id, robot_id, kind, symbol, side, type,
      quantity, limit_price, time_in_force, post_only, label, client_order_id, state, owner, fencing_token,
      expires_at, exchange_deadline, spec_version, created_at, updated_at, reserved_unit, reserved_amount,
      reserved_remaining, idempotency_key, request_hash)
    VALUES (p_tenant_id, v_intent_id, v_profile_id, v_account_id, v_robot_id, 'entry', v_symbol, 'buy', v_type,
      v_quantity, v_price, p_item ->> 'time_in_force', (p_item ->> 'post_only')::boolean, v_label,
      v_client_order_id, 'sending', (p_item ->> 'owner')::uuid, v_token, v_expires_at, v_deadline, v_spec_version,
      p_now, p_now, 'quote', v_required, v_required, v_key, p_item ->> 'request_hash')
    ON CONFLICT DO NOTHING;  -- the key, or the entry lock
    IF FOUND AND engine.take_turn(v_profile_id) THEN
      UPDATE engine.profile_capital SET available = available - v_required,
        reserved_for_orders = reserved_for_orders + v_required, version = version + 1, updated_at = p_now
      WHERE tenant_id = p_tenant_id AND profile_id = v_profile_id AND available >= v_required AND mode = 'active'
        AND NOT EXISTS (SELECT FROM engine.denials d WHERE d.tenant_id = p_tenant_id AND d.robot_id = v_robot_id
          AND d.key = v_key)  -- asked after the intent is written: see engine.store_denials
      RETURNING available, reserved_for_orders, version INTO v_available, v_reserved, v_version;
      IF FOUND THEN
        INSERT INTO engine.facts (tenant_id, event_id, part, profile_id, intent_id, recorded_at, type, payload,
          version, economic_type, idempotency_key, actor, spec_version, lines)
        VALUES (p_tenant_id, nextval('engine.event_ids'), 0, v_profile_id, v_intent_id, p_now, 'entry.sending',
          engine.sending_payload(v_client_order_id, v_symbol, v_type, v_quantity, v_price, v_required, v_label,
            v_robot_id, (p_item ->> 'price_at')::timestamptz), v_version, 'reserve', 'reserve:' || v_intent_id,
          'robot:' || v_robot_id, v_spec_version, ARRAY[ROW('RESERVED_FOR_ORDERS', 'AVAILABLE', v_required,
            v_reserved, v_available)::engine.journal_line]);
        RETURN engine.opened_result(v_intent_id, v_client_order_id, v_token, v_expires_at, v_deadline, v_quantity,
          v_required, v_available, v_spec_version);
      END IF;
      DELETE FROM engine.intents WHERE tenant_id = p_tenant_id AND intent_id = v_intent_id;
    END IF;
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION engine.open_lone_entry(uuid, jsonb, timestamptz) IS 'opens one entry that is plainly fine';
REVOKE ALL ON FUNCTION engine.open_lone_entry(uuid, jsonb, timestamptz) FROM PUBLIC;
