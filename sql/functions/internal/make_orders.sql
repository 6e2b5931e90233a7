-- Writes the orders of newly confirmed intents; their state no longer locks entries.
-- Locks nothing new (the caller holds the intents). Writes intents, orders, outbox.
-- Raises HF409 through the transition trigger.
CREATE OR REPLACE FUNCTION engine.make_orders(
  p_tenant_id uuid, p_items jsonb, p_intents uuid[], p_now timestamptz
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  WITH reported AS (
    SELECT DISTINCT ON (r.intent_id) r.* FROM jsonb_to_recordset(p_items)
      AS r(intent_id uuid, exchange_order_id text, exchange_time timestamptz, evidence jsonb)
    WHERE r.intent_id = ANY (p_intents)
  ), confirmed AS (
    UPDATE engine.intents i SET state = 'confirmed', exchange_order_id = r.exchange_order_id, updated_at = p_now,
      reason_code = NULL, reason = NULL, evidence = coalesce(r.evidence, i.evidence)
    FROM reported r
    WHERE i.tenant_id = p_tenant_id AND i.intent_id = ANY (p_intents) AND i.intent_id = r.intent_id
    RETURNING i.*, r.exchange_time
  ), made AS (
    INSERT INTO engine.orders (tenant_id, intent_id, profile_id, account_id, kind, symbol, side,
      client_order_id, exchange_order_id, status, quantity, exchange_time, created_at, updated_at)
    SELECT tenant_id, intent_id, profile_id, account_id, kind, symbol, side, client_order_id,
      exchange_order_id, 'open', quantity, exchange_time, p_now, p_now
    FROM confirmed
  )
  INSERT INTO engine.outbox (tenant_id, event_id, profile_id, intent_id, type, payload, recorded_at)
  SELECT tenant_id, nextval('engine.event_ids'), profile_id, intent_id, 'order.confirmed',
    engine.confirmed_payload(client_order_id, exchange_order_id, symbol, kind, quantity, exchange_time), p_now
  FROM confirmed;
END $$;
COMMENT ON FUNCTION engine.make_orders(uuid, jsonb, uuid[], timestamptz) IS 'writes orders of confirmed intents';
REVOKE ALL ON FUNCTION engine.make_orders(uuid, jsonb, uuid[], timestamptz) FROM PUBLIC;
