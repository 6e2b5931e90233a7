-- The intents of the orders that an array of reports speaks of, in its order; NULL for an unknown order.
-- Found by intent_id, else by account, symbol and exchange order id. Locks and writes nothing; raises nothing.
CREATE OR REPLACE FUNCTION engine.find_orders(p_tenant_id uuid, p_items jsonb) RETURNS uuid[]
LANGUAGE plpgsql AS $$
BEGIN
  RETURN ARRAY(
    SELECT coalesce(a.intent_id, b.intent_id)
    FROM jsonb_array_elements(p_items) WITH ORDINALITY i(item, place)
    LEFT JOIN LATERAL (SELECT intent_id FROM engine.orders
      WHERE tenant_id = p_tenant_id AND intent_id = (i.item ->> 'intent_id')::uuid LIMIT 1) a ON true
    LEFT JOIN LATERAL (SELECT intent_id FROM engine.orders
      WHERE tenant_id = p_tenant_id AND account_id = (i.item ->> 'account_id')::uuid
        AND symbol = i.item ->> 'symbol' AND exchange_order_id = i.item ->> 'exchange_order_id'
        AND i.item ->> 'intent_id' IS NULL LIMIT 1) b ON true
    ORDER BY i.place);
END $$;
COMMENT ON FUNCTION engine.find_orders(uuid, jsonb) IS 'orders that reports speak of';
REVOKE ALL ON FUNCTION engine.find_orders(uuid, jsonb) FROM PUBLIC;
