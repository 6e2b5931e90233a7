-- Releases the rest of an ended order that had waited for the value of a fee.
-- Locks and writes what release_rest and settle_dust do, and outbox. Raises nothing.
CREATE OR REPLACE FUNCTION engine.release_late(p_order engine.orders, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_event_id bigint := engine.release_rest(p_order.tenant_id, p_order.intent_id, 'engine', p_now);
BEGIN
  IF v_event_id IS NOT NULL THEN
    INSERT INTO engine.outbox (tenant_id, event_id, profile_id, intent_id, type, payload, recorded_at)
    VALUES (p_order.tenant_id, v_event_id, p_order.profile_id, p_order.intent_id, 'order.released',
      jsonb_build_object('client_order_id', p_order.client_order_id, 'symbol', p_order.symbol), p_now);
  END IF;
  PERFORM engine.settle_dust(p_order.tenant_id, p_order.intent_id, p_now);
END $$;
COMMENT ON FUNCTION engine.release_late(engine.orders, timestamptz) IS 'releases what waited for a fee''s value';
REVOKE ALL ON FUNCTION engine.release_late(engine.orders, timestamptz) FROM PUBLIC;
