-- Reads everything an array of exits is judged by, in one statement, and answers what needs no lock: known
-- keys, unknown things, the instrument's filters. Modes do not refuse exits. For quantity "all" the quantity
-- stays NULL until the position is locked.
-- Each lookup is a lateral with LIMIT 1: one index probe a row, whatever the planner thinks of the sizes.
-- Locks and writes nothing; raises nothing.
CREATE OR REPLACE FUNCTION engine.plan_exits(p_tenant_id uuid, p_items jsonb, p_now timestamptz)
RETURNS engine.intent_plan[]
LANGUAGE plpgsql AS $$
BEGIN
  RETURN ARRAY(
    SELECT ROW(i.item, i.robot_id, i.profile_id, i.idempotency_key, i.request_hash, i.intent_id,
      i.client_order_id, i.symbol, i.type, n.quantity, n.price, i.time_in_force, i.post_only, i.label, i.owner,
      p_now + i.lock_ttl_ms * interval '1 millisecond', i.exchange_deadline, i.price_at, p.account_id,
      p.spec_version, nextval('engine.fencing_tokens'), n.quantity, NULL, NULL, NULL, NULL,
      CASE
        WHEN k.used THEN
          engine.replay_of(p_tenant_id, i.robot_id, i.idempotency_key, i.request_hash)
        WHEN n.quantity IS NULL AND i.quantity IS DISTINCT FROM 'all'
          OR n.price IS NULL AND (i.type = 'limit' OR i.limit_price IS NOT NULL) THEN
          jsonb_build_object('code', 'INVALID_NUMBER')
        WHEN p.account_id IS NULL THEN jsonb_build_object('code', 'NOT_FOUND')
        WHEN u.lot_size IS NULL THEN jsonb_build_object('code', 'UNKNOWN_SYMBOL', 'symbol', i.symbol)
        WHEN n.quantity % u.lot_size <> 0 OR n.quantity < u.min_quantity OR n.quantity > u.max_quantity
          THEN jsonb_build_object('code', 'INVALID_QUANTITY',
            'quantity', n.quantity::text, 'lot_size', trim_scale(u.lot_size)::text,
            'min_quantity', trim_scale(u.min_quantity)::text, 'max_quantity', trim_scale(u.max_quantity)::text)
        WHEN n.price % u.tick_size <> 0 THEN jsonb_build_object('code', 'INVALID_PRICE',
            'price', n.price::text, 'tick_size', trim_scale(u.tick_size)::text)
        WHEN n.quantity * coalesce(n.price, h.last_fill_price) < u.min_notional THEN
          jsonb_build_object('code', 'BELOW_MIN_NOTIONAL', 'min_notional', trim_scale(u.min_notional)::text,
            'notional', trim_scale(n.quantity * coalesce(n.price, h.last_fill_price))::text)
      END)::engine.intent_plan
    FROM ROWS FROM (jsonb_to_recordset(p_items) AS (
        robot_id uuid, profile_id uuid, idempotency_key text, request_hash text, intent_id uuid,
        client_order_id text, symbol text, type text, quantity text, limit_price text, time_in_force text,
        post_only boolean, label text, owner uuid, lock_ttl_ms integer, exchange_deadline timestamptz,
        price_at timestamptz)) WITH ORDINALITY AS i(robot_id, profile_id, idempotency_key, request_hash,
        intent_id, client_order_id, symbol, type, quantity, limit_price, time_in_force, post_only, label, owner,
        lock_ttl_ms, exchange_deadline, price_at, item)
    CROSS JOIN LATERAL (SELECT engine.plain_number(i.quantity) AS quantity,
        engine.plain_number(i.limit_price) AS price OFFSET 0) n
    LEFT JOIN LATERAL (
        SELECT true AS used FROM engine.intents
          WHERE tenant_id = p_tenant_id AND robot_id = i.robot_id AND idempotency_key = i.idempotency_key
        UNION ALL SELECT true FROM engine.denials
          WHERE tenant_id = p_tenant_id AND robot_id = i.robot_id AND key = i.idempotency_key
        LIMIT 1) k ON true
    LEFT JOIN LATERAL (SELECT * FROM engine.profiles
        WHERE tenant_id = p_tenant_id AND profile_id = i.profile_id AND k.used IS NULL LIMIT 1) p ON true
    LEFT JOIN LATERAL (SELECT lot_size, tick_size, min_quantity, max_quantity, min_notional
        FROM engine.instruments
        WHERE tenant_id = p_tenant_id AND account_id = p.account_id AND symbol = i.symbol AND active
          AND quote_asset = p.quote_asset LIMIT 1) u ON true
    LEFT JOIN LATERAL (SELECT last_fill_price FROM engine.positions
        WHERE tenant_id = p_tenant_id AND profile_id = p.profile_id AND symbol = i.symbol LIMIT 1) h ON true
    ORDER BY i.item);
END $$;
COMMENT ON FUNCTION engine.plan_exits(uuid, jsonb, timestamptz) IS 'judges exits by what can be read';
REVOKE ALL ON FUNCTION engine.plan_exits(uuid, jsonb, timestamptz) FROM PUBLIC;
