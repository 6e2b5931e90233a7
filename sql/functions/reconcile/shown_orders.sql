-- The reports of a pass as rows, out of columns: {intent_id [], exchange_order_id [], status [], side [],
-- filled_quantity [], quantity []}, all as long; there may be very many, and so they cost half as much to hand over.
-- Locks nothing, writes nothing. Raises HF422: columns of different lengths, whose rows would be torn apart.
CREATE OR REPLACE FUNCTION engine.shown_orders(p_orders jsonb)
RETURNS TABLE (intent_id uuid, exchange_order_id text, status text, side text, filled_quantity numeric,
  quantity numeric)
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
  v_lengths integer[] := ARRAY(SELECT DISTINCT CASE jsonb_typeof(p_orders -> c) WHEN 'array'
      THEN jsonb_array_length(p_orders -> c) ELSE -1 END
    FROM unnest('{intent_id,exchange_order_id,status,side,filled_quantity,quantity}'::text[]) c);
BEGIN
  IF jsonb_typeof(p_orders) IS DISTINCT FROM 'object' OR cardinality(v_lengths) <> 1 OR v_lengths[1] < 0 THEN
    PERFORM engine.refuse('HF422', 'the reports of a part are columns of one length', '{"argument": "orders"}');
  END IF;
  RETURN QUERY
    SELECT r.intent_id::uuid, r.exchange_order_id, r.status, r.side, r.filled_quantity::numeric, r.quantity::numeric
    FROM ROWS FROM (jsonb_array_elements_text(p_orders -> 'intent_id'),
      jsonb_array_elements_text(p_orders -> 'exchange_order_id'), jsonb_array_elements_text(p_orders -> 'status'),
      jsonb_array_elements_text(p_orders -> 'side'), jsonb_array_elements_text(p_orders -> 'filled_quantity'),
      jsonb_array_elements_text(p_orders -> 'quantity'))
      AS r (intent_id, exchange_order_id, status, side, filled_quantity, quantity);
END
$$;
COMMENT ON FUNCTION engine.shown_orders IS
  'The reports of a pass as rows.';
REVOKE ALL ON FUNCTION engine.shown_orders FROM PUBLIC;
