-- What a robot is shown of an order and its fees; NULL if there is none.
-- Locks and writes nothing; raises nothing.
CREATE OR REPLACE FUNCTION engine.order_view(p_tenant_id uuid, p_intent_id uuid) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_order engine.orders;
  v_fees jsonb := '{}';
BEGIN
  SELECT * INTO v_order FROM engine.orders WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  IF v_order.booked_quantity > 0 THEN
    SELECT coalesce(jsonb_object_agg(f.fee_asset, trim_scale(f.total)::text), '{}') INTO v_fees
    FROM (SELECT fee_asset, sum(fee_quantity) AS total FROM engine.fills
          WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id
            AND fee_asset IS NOT NULL AND superseded_at IS NULL
          GROUP BY fee_asset) f;
  END IF;
  RETURN jsonb_build_object(
    'status', v_order.status, 'unconfirmed', v_order.unconfirmed,
    'quantity', trim_scale(v_order.quantity)::text,
    'filled_quantity', trim_scale(v_order.filled_quantity)::text,
    'booked_quantity', trim_scale(v_order.booked_quantity)::text,
    'booked_notional', trim_scale(v_order.booked_notional)::text,
    'average_price', engine.average_price(v_order.booked_notional, v_order.booked_quantity),
    'fees', v_fees, 'exchange_time', v_order.exchange_time, 'finished_at', v_order.finished_at);
END $$;
COMMENT ON FUNCTION engine.order_view(uuid, uuid) IS 'an order as robots see it';
REVOKE ALL ON FUNCTION engine.order_view(uuid, uuid) FROM PUBLIC;
