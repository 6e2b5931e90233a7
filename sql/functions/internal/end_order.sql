-- Gives an order its terminal status and, if its fees are valued, releases the whole rest of its reservation.
-- Its fills are booked: the caller has made sure.
-- Locks: positions, profile_capital (the caller holds the order). Writes orders, reservations, positions, the
-- ledger, outbox. Returns the status. Raises HF409 through the transition trigger.
CREATE OR REPLACE FUNCTION engine.end_order(
  p_order engine.orders, p_status text, p_exchange_time timestamptz, p_now timestamptz
) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  v_event_id bigint;
BEGIN
  UPDATE engine.orders SET status = p_status, unconfirmed = false, reported_status = NULL,
    exchange_time = coalesce(p_exchange_time, exchange_time), finished_at = p_now, updated_at = p_now
  WHERE tenant_id = p_order.tenant_id AND intent_id = p_order.intent_id;
  IF p_order.unvalued_fees = 0 THEN
    v_event_id := engine.release_rest(p_order.tenant_id, p_order.intent_id, 'exchange', p_now);
  END IF;
  INSERT INTO engine.outbox (tenant_id, event_id, profile_id, intent_id, type, payload, recorded_at)
  VALUES (p_order.tenant_id, coalesce(v_event_id, nextval('engine.event_ids')), p_order.profile_id,
    p_order.intent_id, 'order.' || p_status, engine.ended_payload(p_order, p_exchange_time), p_now);
  IF p_order.unvalued_fees = 0 THEN
    PERFORM engine.settle_dust(p_order.tenant_id, p_order.intent_id, p_now);
  END IF;
  RETURN p_status;
END $$;
COMMENT ON FUNCTION engine.end_order(engine.orders, text, timestamptz, timestamptz) IS 'ends an order';
REVOKE ALL ON FUNCTION engine.end_order(engine.orders, text, timestamptz, timestamptz) FROM PUBLIC;
