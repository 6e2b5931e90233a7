-- A fill or report with our client order id is presence: confirms the intents of those that have no order yet.
-- Returns the intents in the order of the items, NULL where nothing is known (or known otherwise: a CONFLICT).
-- Locks and writes what engine.confirm_intents does. Raises HF422.
CREATE OR REPLACE FUNCTION engine.confirm_by_client_order_id(
  p_tenant_id uuid, p_items jsonb, p_intents uuid[], p_now timestamptz
) RETURNS uuid[]
LANGUAGE plpgsql AS $$
DECLARE
  v_found jsonb;
BEGIN
  SELECT jsonb_agg(DISTINCT jsonb_build_object('intent_id', t.intent_id, 'exchange_order_id',
      i.item ->> 'exchange_order_id', 'exchange_time', i.item ->> 'exchange_time'))
  INTO v_found
  FROM jsonb_array_elements(p_items) WITH ORDINALITY i(item, place)
  CROSS JOIN LATERAL (SELECT intent_id FROM engine.intents
    WHERE tenant_id = p_tenant_id AND client_order_id = i.item ->> 'client_order_id'
      AND account_id = (i.item ->> 'account_id')::uuid AND symbol = i.item ->> 'symbol' LIMIT 1) t
  WHERE p_intents[i.place] IS NULL;
  IF v_found IS NULL THEN
    RETURN p_intents;
  END IF;
  PERFORM engine.confirm_intents(p_tenant_id, v_found, NULL, p_now);
  RETURN engine.find_orders(p_tenant_id, p_items);  -- a new statement: sees what was waited for and made
END $$;
COMMENT ON FUNCTION engine.confirm_by_client_order_id(uuid, jsonb, uuid[], timestamptz) IS
  'confirms intents that a report names by client order id';
REVOKE ALL ON FUNCTION engine.confirm_by_client_order_id(uuid, jsonb, uuid[], timestamptz) FROM PUBLIC;
