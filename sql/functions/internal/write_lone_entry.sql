-- Writes a lone entry that was judged: the intent, which is its entry lock and carries its reservation, then the
-- hot row, then the event with its feed row. A lost race for lock or capital leaves nothing.
-- Locks: the entry lock, profile_capital. Writes intents, profile_capital, facts. Raises nothing.
-- Returns the item with its version, event id and balances; version NULL: not written.
CREATE OR REPLACE FUNCTION engine.write_lone_entry(
  p_tenant_id uuid, p_plan engine.intent_plan, p_item jsonb, p_instrument engine.instruments, p_now timestamptz
) RETURNS engine.intent_plan
LANGUAGE plpgsql AS $$
BEGIN
  p_plan.type := p_item ->> 'type';
  p_plan.label := p_item ->> 'label';
  p_plan.client_order_id := p_item ->> 'client_order_id';
  p_plan.price_at := p_item ->> 'price_at';
  p_plan.fencing_token := nextval('engine.fencing_tokens');
  p_plan.expires_at := p_now + (p_item ->> 'lock_ttl_ms')::integer * interval '1 millisecond';
  p_plan.exchange_deadline := (p_item ->> 'exchange_deadline')::timestamptz;
  p_plan.required := engine.entry_cost(p_plan.quantity, p_plan.limit_price, p_instrument.maker_fee_rate,
    p_instrument.taker_fee_rate);
  INSERT INTO engine.intents (tenant_id, intent_id, profile_id, account_id, robot_id, kind, symbol, side, type,
    quantity, limit_price, time_in_force, post_only, label, client_order_id, state, owner, fencing_token,
    expires_at, exchange_deadline, spec_version, created_at, updated_at, reserved_unit, reserved_amount,
    reserved_remaining)
  VALUES (p_tenant_id, p_plan.intent_id, p_plan.profile_id, p_plan.account_id, p_plan.robot_id, 'entry',
    p_plan.symbol, 'buy', p_plan.type, p_plan.quantity, p_plan.limit_price, p_item ->> 'time_in_force',
    (p_item ->> 'post_only')::boolean, p_plan.label, p_plan.client_order_id, 'sending',
    (p_item ->> 'owner')::uuid, p_plan.fencing_token, p_plan.expires_at, p_plan.exchange_deadline,
    p_plan.spec_version, p_now, p_now, 'quote', p_plan.required, p_plan.required)
  ON CONFLICT (tenant_id, profile_id, symbol)
    WHERE kind = 'entry' AND state IN ('sending', 'in_doubt', 'needs_operator') DO NOTHING;
  IF NOT FOUND THEN
    RETURN p_plan;
  END IF;
  UPDATE engine.profile_capital SET available = available - p_plan.required,
    reserved_for_orders = reserved_for_orders + p_plan.required, version = version + 1, updated_at = p_now
  WHERE tenant_id = p_tenant_id AND profile_id = p_plan.profile_id AND available >= p_plan.required
    AND mode = 'active'
  RETURNING available, reserved_for_orders, version INTO p_plan.available, p_plan.reserved, p_plan.version;
  IF NOT FOUND THEN
    DELETE FROM engine.intents WHERE tenant_id = p_tenant_id AND intent_id = p_plan.intent_id;
    RETURN p_plan;
  END IF;
  INSERT INTO engine.facts (tenant_id, event_id, part, profile_id, intent_id, recorded_at, type, payload, version,
    economic_type, idempotency_key, actor, spec_version, lines)
  VALUES (p_tenant_id, nextval('engine.event_ids'), 0, p_plan.profile_id, p_plan.intent_id, p_now,
    'entry.sending', engine.sending_payload(p_plan), p_plan.version, 'reserve', 'reserve:' || p_plan.intent_id,
    'robot:' || p_plan.robot_id, p_plan.spec_version, ARRAY[ROW('RESERVED_FOR_ORDERS', 'AVAILABLE',
      p_plan.required, p_plan.reserved, p_plan.available)::engine.journal_line]);
  RETURN p_plan;
END $$;
COMMENT ON FUNCTION engine.write_lone_entry(uuid, engine.intent_plan, jsonb, engine.instruments, timestamptz) IS
  'writes a lone entry that was judged';
REVOKE ALL ON FUNCTION engine.write_lone_entry(uuid, engine.intent_plan, jsonb, engine.instruments, timestamptz)
  FROM PUBLIC;
