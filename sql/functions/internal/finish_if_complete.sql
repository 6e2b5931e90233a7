-- After a fill: ends the order if all is booked, with the status that waited for its fills, or as filled.
-- A late fill of an order that has ended may complete it (canceled or expired becomes filled).
-- Locks and writes what engine.end_order does. Returns the order's status. Raises nothing.
CREATE OR REPLACE FUNCTION engine.finish_if_complete(p_order engine.orders, p_now timestamptz) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
  IF p_order.booked_quantity >= p_order.quantity AND p_order.status IN ('open', 'canceled', 'expired') THEN
    RETURN engine.end_order(p_order, 'filled', p_order.exchange_time, p_now);
  ELSIF p_order.status = 'open' AND p_order.reported_status <> 'filled'
    AND p_order.booked_quantity >= p_order.filled_quantity THEN
    RETURN engine.end_order(p_order, p_order.reported_status, p_order.exchange_time, p_now);
  END IF;
  RETURN p_order.status;
END $$;
COMMENT ON FUNCTION engine.finish_if_complete(engine.orders, timestamptz) IS 'ends an order whose fills are complete';
REVOKE ALL ON FUNCTION engine.finish_if_complete(engine.orders, timestamptz) FROM PUBLIC;
