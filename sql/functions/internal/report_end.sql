-- Takes the exchange's word that an order has ended: at once if its fills are booked, else the order stays open,
-- flagged unconfirmed, until they are. The reported filled quantity may rise, never fall.
-- Locks: orders, then what engine.end_order locks. Writes orders and what that writes.
-- Returns code OK with order_status, and fills_missing or replay; ILLEGAL_TRANSITION. Raises HF422.
CREATE OR REPLACE FUNCTION engine.report_end(
  p_tenant_id uuid, p_intent_id uuid, p_status text, p_filled numeric, p_exchange_time timestamptz,
  p_now timestamptz
) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  v_order engine.orders;
  v_filled numeric;
BEGIN
  IF p_status IS NULL OR p_status NOT IN ('filled', 'canceled', 'expired', 'rejected') THEN
    RAISE EXCEPTION USING ERRCODE = 'HF422', MESSAGE = 'status is not terminal',
      DETAIL = jsonb_build_object('status', p_status)::text;
  END IF;
  SELECT * INTO v_order FROM engine.orders
  WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id FOR NO KEY UPDATE;
  v_filled := greatest(v_order.filled_quantity, p_filled,
    CASE p_status WHEN 'filled' THEN v_order.quantity END);
  IF v_filled > v_order.filled_quantity THEN
    UPDATE engine.orders SET filled_quantity = v_filled, updated_at = p_now
    WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id;
    v_order.filled_quantity := v_filled;
  END IF;
  IF v_order.status = 'filled' OR (v_order.status = p_status AND v_order.booked_quantity >= v_filled) THEN
    RETURN jsonb_build_object('code', CASE WHEN p_status = 'rejected' AND v_order.status = 'filled'
      THEN 'ILLEGAL_TRANSITION' ELSE 'OK' END, 'order_status', v_order.status, 'replay', true);
  ELSIF v_order.status <> 'open' AND p_status <> 'filled' THEN
    RETURN jsonb_build_object('code', 'ILLEGAL_TRANSITION', 'order_status', v_order.status);
  ELSIF v_order.status = 'rejected' THEN
    RETURN jsonb_build_object('code', 'ILLEGAL_TRANSITION', 'order_status', v_order.status);
  ELSIF v_filled > v_order.booked_quantity THEN
    UPDATE engine.orders SET unconfirmed = (status = 'open'), updated_at = p_now,
      reported_status = CASE status WHEN 'open' THEN p_status END,
      exchange_time = coalesce(p_exchange_time, exchange_time)
    WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id;
    RETURN jsonb_build_object('code', 'OK', 'order_status', v_order.status,
      'fills_missing', trim_scale(v_filled - v_order.booked_quantity)::text);
  END IF;
  RETURN jsonb_build_object('code', 'OK',
    'order_status', engine.end_order(v_order, p_status, p_exchange_time, p_now));
END $$;
COMMENT ON FUNCTION engine.report_end(uuid, uuid, text, numeric, timestamptz, timestamptz) IS
  'takes the exchange''s word that an order has ended';
REVOKE ALL ON FUNCTION engine.report_end(uuid, uuid, text, numeric, timestamptz, timestamptz) FROM PUBLIC;
