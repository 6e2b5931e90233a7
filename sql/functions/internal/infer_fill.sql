-- The item of an inferred fill as it must be booked now. Its id names the filled quantity that the exchange
-- reported, 'inferred:<cumulative quantity>'; its quantity is what of that is not booked, whoever asks and
-- however often, and its price the one that makes the order's average the reported one.
-- NULL if nothing is missing. Locks and writes nothing (the caller holds the order). Raises HF422 for another id
-- or a number that is not exact.
CREATE OR REPLACE FUNCTION engine.infer_fill(p_order engine.orders, p_item jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  v_filled numeric := engine.exact_number(substring(p_item ->> 'exchange_trade_id' FROM '^inferred:(.*)$'),
    'exchange_trade_id', false);
  v_average numeric := engine.plain_number(p_item ->> 'average_price');
  v_gap numeric;
  v_price numeric;
BEGIN
  IF v_filled IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'HF422', DETAIL = p_item::text,
      MESSAGE = 'an inferred fill is named by the filled quantity that the exchange reported';
  END IF;
  v_filled := least(v_filled, p_order.quantity);
  v_gap := v_filled - p_order.booked_quantity;
  IF v_gap <= 0 THEN
    RETURN NULL;
  END IF;
  v_price := round((v_filled * v_average - p_order.booked_notional) / v_gap, 18);
  IF v_price IS NULL OR v_price <= 0 THEN
    v_price := coalesce(v_average, engine.exact_number(p_item ->> 'price', 'price', false));
  END IF;
  RETURN p_item || jsonb_build_object('exchange_trade_id', 'inferred:' || trim_scale(v_filled)::text,
    'quantity', trim_scale(v_gap)::text, 'price', trim_scale(v_price)::text, 'source', 'inferred',
    'fee_quantity', NULL, 'fee_asset', NULL, 'fee_rate', NULL, 'rate_source', NULL);
END $$;
COMMENT ON FUNCTION engine.infer_fill(engine.orders, jsonb) IS 'an inferred fill as it must be booked now';
REVOKE ALL ON FUNCTION engine.infer_fill(engine.orders, jsonb) FROM PUBLIC;
