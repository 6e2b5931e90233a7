-- Reads everything an array of entries is judged by, in one statement, and answers what needs no lock:
-- known keys, what engine.judge_entry refuses, a held entry lock, and capital that is plainly missing. What is
-- left open (result NULL) is decided again under locks.
-- Each lookup is a lateral with LIMIT 1: one index probe a row, whatever the planner thinks of the sizes.
-- Locks and writes nothing; raises nothing.
CREATE OR REPLACE FUNCTION engine.plan_entries(p_tenant_id uuid, p_items jsonb, p_now timestamptz)
RETURNS engine.intent_plan[]
LANGUAGE plpgsql AS $$
DECLARE
  v_modes text[];  -- the engine's and the tenant's are the same for every item
  v_reasons text[];
BEGIN
  SELECT ARRAY[e.mode::text, t.mode], ARRAY[e.mode_reason, t.mode_reason] INTO v_modes, v_reasons
  FROM engine.engine_settings e, engine.tenants t WHERE e.only_row AND t.tenant_id = p_tenant_id;
  RETURN ARRAY(
    SELECT ROW(i.item, i.robot_id, i.profile_id, i.idempotency_key, i.request_hash, i.intent_id,
      i.client_order_id, i.symbol, i.type, n.quantity, n.price, i.time_in_force, i.post_only, i.label, i.owner,
      p_now + i.lock_ttl_ms * interval '1 millisecond', i.exchange_deadline, i.price_at, p.account_id,
      p.spec_version, nextval('engine.fencing_tokens'),
      engine.entry_cost(n.quantity, n.price, u.maker_fee_rate, u.taker_fee_rate), NULL, NULL, NULL, NULL,
      CASE WHEN k.used THEN
          engine.replay_of(p_tenant_id, i.robot_id, i.idempotency_key, i.request_hash)
        WHEN i.type = 'market' AND i.spec_version <> p.spec_version THEN  -- another version bounds its price now
          jsonb_build_object('code', 'STALE_PRICE', 'spec_version', p.spec_version)
        ELSE coalesce(
          engine.judge_entry(i.symbol, n.quantity, n.price, p.quote_asset, u,
            v_modes || ARRAY[a.mode::text, c.mode],
            v_reasons || ARRAY[a.mode_reason, c.mode_reason], s.spec),
          CASE WHEN s.spec <> '{}' THEN engine.judge_moment(p_tenant_id, p.account_id, n.price,
            engine.plain_number(i.reference_price), i.reference_age_ms, i.clock_skew_ms, s.spec, p_now) END,
          CASE WHEN l.intent_id IS NOT NULL THEN engine.entry_locked_by(p_tenant_id, l.intent_id, l.expires_at)
            WHEN engine.entry_cost(n.quantity, n.price, u.maker_fee_rate, u.taker_fee_rate) > c.available THEN
              jsonb_build_object('code', 'INSUFFICIENT_CAPITAL', 'available', trim_scale(c.available)::text,
                'required', trim_scale(
                  engine.entry_cost(n.quantity, n.price, u.maker_fee_rate, u.taker_fee_rate))::text)
          END)
      END)::engine.intent_plan
    FROM ROWS FROM (jsonb_to_recordset(p_items) AS (
        robot_id uuid, profile_id uuid, idempotency_key text, request_hash text, intent_id uuid,
        client_order_id text, symbol text, type text, quantity text, limit_price text, time_in_force text,
        post_only boolean, label text, owner uuid, lock_ttl_ms integer, exchange_deadline timestamptz,
        price_at timestamptz, reference_price text, reference_age_ms bigint, clock_skew_ms bigint,
        spec_version integer))
        WITH ORDINALITY AS i(robot_id, profile_id, idempotency_key, request_hash, intent_id, client_order_id,
        symbol, type, quantity, limit_price, time_in_force, post_only, label, owner, lock_ttl_ms,
        exchange_deadline, price_at, reference_price, reference_age_ms, clock_skew_ms, spec_version, item)
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
    LEFT JOIN LATERAL (SELECT * FROM engine.instruments
        WHERE tenant_id = p_tenant_id AND account_id = p.account_id AND symbol = i.symbol LIMIT 1) u ON true
    LEFT JOIN LATERAL (SELECT mode, mode_reason FROM engine.exchange_accounts
        WHERE tenant_id = p_tenant_id AND account_id = p.account_id LIMIT 1) a ON true
    LEFT JOIN LATERAL (SELECT spec FROM engine.profile_specs
        WHERE tenant_id = p_tenant_id AND profile_id = p.profile_id AND version = p.spec_version LIMIT 1) s ON true
    LEFT JOIN LATERAL (SELECT intent_id, expires_at FROM engine.intents
        WHERE tenant_id = p_tenant_id AND profile_id = p.profile_id AND symbol = i.symbol AND kind = 'entry'
          AND state IN ('sending', 'in_doubt', 'needs_operator') LIMIT 1) l ON true
    LEFT JOIN LATERAL (SELECT available, mode, mode_reason FROM engine.profile_capital
        WHERE tenant_id = p_tenant_id AND profile_id = p.profile_id LIMIT 1) c ON true
    ORDER BY i.item);
END $$;
COMMENT ON FUNCTION engine.plan_entries(uuid, jsonb, timestamptz) IS 'judges entries by what can be read';
REVOKE ALL ON FUNCTION engine.plan_entries(uuid, jsonb, timestamptz) FROM PUBLIC;
