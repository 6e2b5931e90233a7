-- Tells whose orders these are: p_items [{symbol, exchange_order_id, client_order_id}], the answer in their order:
-- {profile_id, intent_id, state} or null. By client order id first, then by an exchange order id that the ledger
-- knows; never by symbol. As many items as an account has orders; each is found by its key.
-- Locks nothing, writes nothing. Raises HF403 foreign tenant; HF404 no such account.
CREATE OR REPLACE FUNCTION engine.fn_attribute_orders(p_tenant_id uuid, p_account_id uuid, p_items jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
-- one probe of a key per item, whatever the tables' sizes were when the plan was made
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_memoize = off SET jit = off
AS $$
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  PERFORM engine.require_account(p_tenant_id, p_account_id);
  RETURN (
    SELECT coalesce(jsonb_agg(CASE
        WHEN c.intent_id IS NOT NULL THEN
          jsonb_build_object('profile_id', c.profile_id, 'intent_id', c.intent_id, 'state', c.state)
        WHEN o.intent_id IS NOT NULL THEN
          jsonb_build_object('profile_id', o.profile_id, 'intent_id', o.intent_id, 'state', 'confirmed')
        END ORDER BY g.place), '[]')
    FROM ROWS FROM (jsonb_to_recordset(p_items) AS (symbol text, exchange_order_id text, client_order_id text))
      WITH ORDINALITY AS g (symbol, exchange_order_id, client_order_id, place)
    LEFT JOIN LATERAL (SELECT i.profile_id, i.intent_id, i.state FROM engine.intents i
      WHERE i.tenant_id = p_tenant_id AND i.client_order_id = g.client_order_id AND i.account_id = p_account_id
        AND i.symbol = g.symbol LIMIT 1) c ON true
    LEFT JOIN LATERAL (SELECT o.profile_id, o.intent_id FROM engine.orders o
      WHERE c.intent_id IS NULL AND o.tenant_id = p_tenant_id AND o.account_id = p_account_id
        AND o.symbol = g.symbol AND o.exchange_order_id = g.exchange_order_id LIMIT 1) o ON true);
END
$$;
COMMENT ON FUNCTION engine.fn_attribute_orders IS
  'Whose orders these are: profile and intent, or null, in the order of the items.';
REVOKE ALL ON FUNCTION engine.fn_attribute_orders FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_attribute_orders TO holdfast_engine, holdfast_operator;
