-- Posts one balanced economic event of a profile: moves its balances, draws event id and version after the
-- row lock, and writes the event with its journal rows. The arguments are changes of the six balances (each in
-- its own normal sense); debits and credits are matched in the fixed order of accounts, zero changes are skipped.
-- p_fact, p_payload: what the feed says of it, in the same row; NULL: nothing, or the caller says it by a row of its
-- own.
-- Locks profile_capital. Writes profile_capital and facts: a fact is booked even if it takes available below zero,
-- and the same UPDATE then halts the profile, told by a row of its own.
-- Raises HF412 if the changes do not balance, HF404 if the profile is not visible.
CREATE OR REPLACE FUNCTION engine.post_capital(
  p_tenant_id uuid, p_profile_id uuid, p_type text, p_key text, p_intent_id uuid, p_actor text, p_cause text,
  p_rate_source text, p_spec_version integer, p_exchange_time timestamptz, p_now timestamptz,
  p_available numeric, p_orders numeric, p_positions numeric, p_dust numeric, p_pnl numeric, p_fees numeric,
  p_fact text DEFAULT NULL, p_payload jsonb DEFAULT NULL,
  OUT event_id bigint, OUT halted boolean
)
LANGUAGE plpgsql AS $$
DECLARE
  v_changes numeric[] := ARRAY[p_available, p_orders, p_positions, p_dust, p_pnl, p_fees];
  v_capital engine.profile_capital;
  v_lines engine.journal_line[];
BEGIN
  IF p_available + p_orders + p_positions + p_dust - p_pnl + p_fees <> 0 THEN
    RAISE EXCEPTION USING ERRCODE = 'HF412', MESSAGE = 'an event must balance', DETAIL = v_changes::text;
  END IF;
  UPDATE engine.profile_capital SET available = available + p_available,
    reserved_for_orders = reserved_for_orders + p_orders,
    reserved_for_positions = reserved_for_positions + p_positions, dust = dust + p_dust,
    trading_pnl = trading_pnl + p_pnl, fees = fees + p_fees, version = version + 1, updated_at = p_now,
    mode = CASE WHEN available + p_available < 0 THEN 'halted' ELSE mode END,
    mode_reason = CASE WHEN available + p_available < 0 AND mode <> 'halted' THEN 'available below zero'
      ELSE mode_reason END
  WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id
  RETURNING * INTO v_capital;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'HF404', MESSAGE = 'no such profile';
  END IF;
  event_id := nextval('engine.event_ids');
  halted := v_capital.available < 0 AND v_capital.available - p_available >= 0;
  v_lines := engine.journal_lines(v_changes, ARRAY[v_capital.available - p_available,
    v_capital.reserved_for_orders - p_orders, v_capital.reserved_for_positions - p_positions,
    v_capital.dust - p_dust, v_capital.trading_pnl - p_pnl, v_capital.fees - p_fees]);
  INSERT INTO engine.facts (tenant_id, event_id, part, profile_id, intent_id, recorded_at, type, payload, version,
    economic_type, idempotency_key, actor, cause, rate_source, spec_version, exchange_time, lines)
  VALUES (p_tenant_id, event_id, 0, p_profile_id, p_intent_id, p_now, p_fact, p_payload, v_capital.version, p_type,
    p_key, p_actor, p_cause, p_rate_source, p_spec_version, p_exchange_time, v_lines);
  IF halted THEN
    INSERT INTO engine.outbox (tenant_id, event_id, profile_id, intent_id, type, payload, recorded_at)
    VALUES (p_tenant_id, nextval('engine.event_ids'), p_profile_id, p_intent_id, 'profile.halted',
      jsonb_build_object('reason', v_capital.mode_reason,
        'available', trim_scale(v_capital.available)::text), p_now);
  END IF;
END $$;
COMMENT ON FUNCTION engine.post_capital(uuid, uuid, text, text, uuid, text, text, text, integer, timestamptz,
  timestamptz, numeric, numeric, numeric, numeric, numeric, numeric, text, jsonb) IS 'posts one balanced event of a profile';
REVOKE ALL ON FUNCTION engine.post_capital(uuid, uuid, text, text, uuid, text, text, text, integer, timestamptz,
  timestamptz, numeric, numeric, numeric, numeric, numeric, numeric, text, jsonb) FROM PUBLIC;
