-- Tells whose orders these are: p_orders {symbol [], exchange_order_id [], client_order_id []}, columns of one length.
-- Answers a row for each order that is an intent's: its place in the columns (from 0), profile, intent and the
-- intent's state. By client order id first, then by an exchange order id that the ledger knows; never by symbol. As
-- many as an account has orders; each is found by its key.
-- Locks nothing, writes nothing. Raises HF403 foreign tenant; HF404 no such account; HF422 no such columns.
CREATE OR REPLACE FUNCTION engine.fn_attribute_orders(p_tenant_id uuid, p_account_id uuid, p_orders jsonb)
RETURNS TABLE (place integer, profile_id uuid, intent_id uuid, state text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
-- one probe of a key per item, whatever the tables' sizes were when the plan was made
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_memoize = off SET jit = off
AS $$
DECLARE
  v_length integer := jsonb_array_length(p_orders -> 'symbol');
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  PERFORM engine.require_account(p_tenant_id, p_account_id);
  IF (v_length = jsonb_array_length(p_orders -> 'exchange_order_id')
      AND v_length = jsonb_array_length(p_orders -> 'client_order_id')) IS NOT TRUE THEN
    PERFORM engine.refuse('HF422', 'orders are columns of one length', '{"argument": "orders"}');
  END IF;
  RETURN QUERY
    SELECT g.place::integer - 1, coalesce(c.profile_id, o.profile_id), coalesce(c.intent_id, o.intent_id),
      coalesce(c.state, 'confirmed')
    FROM ROWS FROM (jsonb_array_elements_text(p_orders -> 'symbol'),
        jsonb_array_elements_text(p_orders -> 'exchange_order_id'),
        jsonb_array_elements_text(p_orders -> 'client_order_id'))
      WITH ORDINALITY AS g (symbol, exchange_order_id, client_order_id, place)
    LEFT JOIN LATERAL (SELECT i.profile_id, i.intent_id, i.state::text FROM engine.intents i
      WHERE i.tenant_id = p_tenant_id AND i.client_order_id = g.client_order_id AND i.account_id = p_account_id
        AND i.symbol = g.symbol LIMIT 1) c ON true
    LEFT JOIN LATERAL (SELECT o.profile_id, o.intent_id FROM engine.orders o
      WHERE c.intent_id IS NULL AND o.tenant_id = p_tenant_id AND o.account_id = p_account_id
        AND o.symbol = g.symbol AND o.exchange_order_id = g.exchange_order_id LIMIT 1) o ON true
    WHERE c.intent_id IS NOT NULL OR o.intent_id IS NOT NULL;
END
$$;
COMMENT ON FUNCTION engine.fn_attribute_orders IS
  'Whose orders these are: the place of each that is an intent''s, with profile and intent.';
REVOKE ALL ON FUNCTION engine.fn_attribute_orders FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_attribute_orders TO holdfast_engine, holdfast_operator;
