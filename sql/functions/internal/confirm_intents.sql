-- Makes orders of intents that the exchange has confirmed, set-based and idempotent by intent; no token is
-- asked for, because facts need none. Returns one result per item, in their order: OK with replay and
-- false_absence, NOT_FOUND, or CONFLICT (this intent has another order, or this order another intent), which
-- is put on record: it may be a duplicate order at the exchange.
-- Locks: intents sorted; profile_capital for a halt. Writes intents, orders,
-- outbox, audit. A false absence (it was rejected or not_placed) halts its profile.
-- Raises HF422 for an item without an exchange order id.
CREATE OR REPLACE FUNCTION engine.confirm_intents(p_tenant_id uuid, p_items jsonb, p_kind text, p_now timestamptz)
RETURNS jsonb[]
LANGUAGE plpgsql AS $$
DECLARE
  v_intents uuid[] := ARRAY(SELECT (e ->> 'intent_id')::uuid FROM jsonb_array_elements(p_items) e);
  v_results jsonb[];
  v_new uuid[];
  v_wrong record;
BEGIN
  PERFORM FROM engine.intents WHERE tenant_id = p_tenant_id AND intent_id = ANY (v_intents)
  ORDER BY intent_id FOR NO KEY UPDATE;
  v_results := ARRAY(
    SELECT CASE
      WHEN t.intent_id IS NULL THEN '{"code": "NOT_FOUND"}'
      WHEN coalesce(i.item ->> 'exchange_order_id', '') = '' THEN '{"code": "HF422"}'
      WHEN o.exchange_order_id <> i.item ->> 'exchange_order_id' OR x.intent_id <> t.intent_id THEN
        jsonb_build_object('code', 'CONFLICT', 'intent_id', t.intent_id,
          'exchange_order_id', o.exchange_order_id, 'other_intent_id', nullif(x.intent_id, t.intent_id))
      ELSE jsonb_build_object('code', 'OK', 'replay', o.intent_id IS NOT NULL, 'order_status',
        coalesce(o.status, 'open'), 'cancel_requested', t.cancel_requested_at IS NOT NULL,
        'false_absence', t.state IN ('rejected', 'not_placed'), 'fills', '[]'::jsonb)
      END
    FROM jsonb_array_elements(p_items) WITH ORDINALITY i(item, place)
    LEFT JOIN LATERAL (SELECT * FROM engine.intents WHERE tenant_id = p_tenant_id
      AND intent_id = (i.item ->> 'intent_id')::uuid AND kind = coalesce(p_kind, kind) LIMIT 1) t ON true
    LEFT JOIN LATERAL (SELECT * FROM engine.orders
      WHERE tenant_id = p_tenant_id AND intent_id = t.intent_id LIMIT 1) o ON true
    LEFT JOIN LATERAL (SELECT intent_id FROM engine.orders
      WHERE tenant_id = p_tenant_id AND account_id = t.account_id AND symbol = t.symbol
        AND exchange_order_id = i.item ->> 'exchange_order_id' LIMIT 1) x ON true
    ORDER BY i.place);
  SELECT array_agg(DISTINCT (p_items -> (r.place - 1)::integer ->> 'intent_id')::uuid)
  INTO v_new FROM unnest(v_results) WITH ORDINALITY r(result, place) WHERE r.result ->> 'replay' = 'false';
  IF v_new IS NOT NULL THEN
    PERFORM engine.make_orders(p_tenant_id, p_items, v_new, p_now);
  END IF;
  FOR v_wrong IN
    SELECT r.result, p_items -> (r.place - 1)::integer AS item
    FROM unnest(v_results) WITH ORDINALITY r(result, place)
    WHERE r.result ->> 'code' IN ('CONFLICT', 'HF422') OR r.result ->> 'false_absence' = 'true'
  LOOP
    IF v_wrong.result ->> 'code' = 'HF422' THEN
      RAISE EXCEPTION USING ERRCODE = 'HF422', MESSAGE = 'a confirmation carries the exchange''s order id';
    END IF;
    IF v_wrong.result ->> 'code' = 'OK' THEN
      PERFORM engine.halt_profile(p_tenant_id, profile_id, intent_id, 'false absence', p_now)
      FROM engine.intents WHERE tenant_id = p_tenant_id AND intent_id = (v_wrong.item ->> 'intent_id')::uuid;
    END IF;
    INSERT INTO engine.audit (tenant_id, audit_id, actor, action, code, detail, recorded_at)
    VALUES (p_tenant_id, nextval('engine.event_ids'), 'engine', 'persist',
      CASE v_wrong.result ->> 'code' WHEN 'OK' THEN 'FALSE_ABSENCE' ELSE 'CONFLICT' END,
      v_wrong.result || jsonb_build_object('reported', v_wrong.item), p_now);
  END LOOP;
  RETURN v_results;
END $$;
COMMENT ON FUNCTION engine.confirm_intents(uuid, jsonb, text, timestamptz) IS 'makes orders of confirmed intents';
REVOKE ALL ON FUNCTION engine.confirm_intents(uuid, jsonb, text, timestamptz) FROM PUBLIC;
