-- Writes what happened when intents were opened: for an entry the economic event with its line, and the feed's row
-- of it; for an exit the feed's row alone.
-- Locks nothing new; one INSERT, set-based. Raises the table's own constraint errors.
CREATE OR REPLACE FUNCTION engine.write_sending(
  p_tenant_id uuid, p_plan engine.intent_plan[], p_kind text, p_now timestamptz
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF p_kind = 'exit' THEN
    INSERT INTO engine.facts (tenant_id, event_id, profile_id, intent_id, recorded_at, type, payload)
    SELECT p_tenant_id, event_id, profile_id, intent_id, p_now, 'exit.sending', engine.sending_payload(
      client_order_id, symbol, type, quantity, limit_price, required, label, robot_id, price_at)
    FROM unnest(p_plan) WHERE result IS NULL;
    RETURN;
  END IF;
  INSERT INTO engine.facts (tenant_id, event_id, part, profile_id, intent_id, recorded_at, type, payload, version,
    economic_type, idempotency_key, actor, spec_version, lines)
  SELECT p_tenant_id, event_id, 0, profile_id, intent_id, p_now, 'entry.sending', engine.sending_payload(
      client_order_id, symbol, type, quantity, limit_price, required, label, robot_id, price_at), version,
    'reserve', 'reserve:' || intent_id, 'robot:' || robot_id, spec_version,
    ARRAY[ROW('RESERVED_FOR_ORDERS', 'AVAILABLE', required, reserved, available)::engine.journal_line]
  FROM unnest(p_plan) WHERE result IS NULL;
END $$;
COMMENT ON FUNCTION engine.write_sending(uuid, engine.intent_plan[], text, timestamptz) IS
  'writes the facts of opened intents';
REVOKE ALL ON FUNCTION engine.write_sending(uuid, engine.intent_plan[], text, timestamptz) FROM PUBLIC;
