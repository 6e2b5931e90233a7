-- Opens an array of entries that nothing speaks against, set-based: what engine.open_lone_entry does for one. If one of
-- them is not plainly fine - known, unknown, denied, a mode, a limit, a race lost for key or lock - nothing is opened
-- here: all are decided afterwards by the functions that judge one item after another, because capital is locked once
-- for all, after every key and entry lock. Only what capital alone denies is left to them by itself.
-- Locks: keys and entry locks (both are rows of intents) in (profile, symbol) order, then profile_capital.
-- Writes intents and what engine.reserve_plain_entries writes.
-- Returns one result an item, NULL for what was not opened. Raises the tables' own errors.
CREATE OR REPLACE FUNCTION engine.open_plain_entries(p_tenant_id uuid, p_items jsonb, p_now timestamptz)
RETURNS jsonb[]
LANGUAGE plpgsql AS $$
DECLARE
  v_places uuid[] := ARRAY(SELECT (i ->> 'intent_id')::uuid FROM jsonb_array_elements(p_items) i);
  v_plan engine.intent_plan[];
  v_results jsonb[] := array_fill(NULL::jsonb, ARRAY[cardinality(v_places)]);
BEGIN
  WITH made AS (
    INSERT INTO engine.intents (tenant_id, intent_id, profile_id, account_id, robot_id, kind, symbol, side, type,
      quantity, limit_price, time_in_force, post_only, label, client_order_id, state, owner, fencing_token,
      expires_at, exchange_deadline, spec_version, created_at, updated_at, reserved_unit, reserved_amount,
      reserved_remaining, idempotency_key, request_hash)
    SELECT p_tenant_id, i.intent_id, i.profile_id, p.account_id, i.robot_id, 'entry', i.symbol, 'buy', i.type,
      n.quantity, n.price, i.time_in_force, i.post_only, i.label, i.client_order_id, 'sending', i.owner,
      nextval('engine.fencing_tokens'), p_now + i.lock_ttl_ms * interval '1 millisecond', i.exchange_deadline,
      p.version, p_now, p_now, 'quote', u.required, u.required, i.idempotency_key, i.request_hash
    FROM jsonb_to_recordset(p_items) AS i (
        robot_id uuid, profile_id uuid, idempotency_key text, request_hash text, intent_id uuid,
        client_order_id text, symbol text, type text, quantity text, limit_price text, time_in_force text,
        post_only boolean, label text, owner uuid, lock_ttl_ms integer, exchange_deadline timestamptz,
        spec_version integer)
    CROSS JOIN LATERAL (SELECT engine.plain_number(i.quantity) AS quantity,
        engine.plain_number(i.limit_price) AS price OFFSET 0) n
    CROSS JOIN LATERAL (SELECT account_id, spec_version AS version, quote_asset FROM engine.profiles
        WHERE tenant_id = p_tenant_id AND profile_id = i.profile_id AND account_active AND tenant_active
          AND spec_is_empty LIMIT 1) p
    CROSS JOIN LATERAL (SELECT engine.entry_cost(n.quantity, n.price, t.maker_fee_rate, t.taker_fee_rate) AS required
        FROM engine.instruments t
        WHERE t.tenant_id = p_tenant_id AND t.account_id = p.account_id AND t.symbol = i.symbol
          AND engine.entry_is_fine(n.quantity, n.price, p.quote_asset, t) LIMIT 1) u
    WHERE (SELECT mode FROM engine.engine_settings WHERE only_row) = 'active'
      AND (i.type <> 'market' OR coalesce(i.spec_version, p.version) = p.version)
    ORDER BY i.profile_id, i.symbol, array_position(v_places, i.intent_id)
    ON CONFLICT DO NOTHING
    RETURNING intent_id, robot_id, profile_id, idempotency_key, client_order_id, symbol, type, quantity, limit_price,
      label, expires_at, exchange_deadline, spec_version, fencing_token, reserved_amount)
  SELECT array_agg(ROW(p.item, robot_id, profile_id, idempotency_key, NULL, intent_id, client_order_id, symbol, type,
      quantity, limit_price, NULL, NULL, label, NULL, expires_at, exchange_deadline, p_items -> p.item - 1 ->> 'price_at',
      NULL, spec_version, fencing_token, reserved_amount, NULL, NULL, NULL, NULL, NULL)::engine.intent_plan)
  INTO v_plan FROM made CROSS JOIN LATERAL (SELECT array_position(v_places, intent_id) AS item OFFSET 0) p;
  IF cardinality(v_plan) = cardinality(v_places) THEN
    v_results := engine.reserve_plain_entries(p_tenant_id, v_plan, v_results, p_now);
  END IF;
  IF array_position(v_results, NULL) IS NOT NULL THEN
    DELETE FROM engine.intents WHERE tenant_id = p_tenant_id
      AND intent_id = ANY (ARRAY(SELECT intent_id FROM unnest(v_plan) WHERE v_results[item] IS NULL));
  END IF;
  RETURN v_results;
END $$;
COMMENT ON FUNCTION engine.open_plain_entries(uuid, jsonb, timestamptz) IS 'opens entries that are plainly fine';
REVOKE ALL ON FUNCTION engine.open_plain_entries(uuid, jsonb, timestamptz) FROM PUBLIC;
