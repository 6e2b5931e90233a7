-- Writes the write-ahead records of what is still open: intent, reservation, outbox row.
-- Locks nothing new; one INSERT per table, set-based. Raises the tables' own constraint errors.
CREATE OR REPLACE FUNCTION engine.write_intents(
  p_tenant_id uuid, p_plan engine.intent_plan[], p_kind text, p_now timestamptz
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO engine.intents (tenant_id, intent_id, profile_id, account_id, robot_id, kind, symbol, side, type,
    quantity, limit_price, time_in_force, post_only, label, client_order_id, state, owner, fencing_token,
    expires_at, exchange_deadline, spec_version, created_at, updated_at)
  SELECT p_tenant_id, intent_id, profile_id, account_id, robot_id, p_kind, symbol,
    CASE p_kind WHEN 'entry' THEN 'buy' ELSE 'sell' END, type, quantity, limit_price, time_in_force, post_only,
    label, client_order_id, 'sending', owner, fencing_token, expires_at, exchange_deadline, spec_version,
    p_now, p_now
  FROM unnest(p_plan) WHERE result IS NULL;
  INSERT INTO engine.reservations (tenant_id, intent_id, profile_id, unit, amount, remaining)
  SELECT p_tenant_id, intent_id, profile_id, CASE p_kind WHEN 'entry' THEN 'quote' ELSE 'base' END,
    required, required
  FROM unnest(p_plan) WHERE result IS NULL;
  INSERT INTO engine.outbox (tenant_id, event_id, profile_id, intent_id, type, payload, recorded_at)
  SELECT p_tenant_id, event_id, profile_id, intent_id, p_kind || '.sending', engine.sending_payload(d), p_now
  FROM unnest(p_plan) d WHERE result IS NULL;
END $$;
COMMENT ON FUNCTION engine.write_intents(uuid, engine.intent_plan[], text, timestamptz) IS
  'writes intents, reservations and their outbox rows';
REVOKE ALL ON FUNCTION engine.write_intents(uuid, engine.intent_plan[], text, timestamptz) FROM PUBLIC;
