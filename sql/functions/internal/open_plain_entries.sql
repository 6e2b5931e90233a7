-- Opens those entries of an array that nothing speaks against, set-based: what engine.open_lone_entry does for one.
-- Whatever is not plainly fine - known, unknown, denied, a mode, a limit, a race lost for key, lock or capital - leaves
-- no trace and is decided afterwards by the functions that judge one item after another.
-- Locks: keys and entry locks (both are rows of intents) in (profile, symbol) order, then profile_capital.
-- Writes intents and what engine.reserve_plain_entries writes.
-- Returns one result an item, NULL for what was not opened. Raises the tables' own errors.
CREATE OR REPLACE FUNCTION engine.open_plain_entries(p_tenant_id uuid, p_items jsonb, p_now timestamptz)
RETURNS jsonb[]
LANGUAGE plpgsql SET enable_hashjoin = on AS $$  -- of what was asked for with what was made, never of a table
DECLARE
  v_plan engine.intent_plan[];
  v_made bigint;
  v_results jsonb[] := array_fill(NULL::jsonb, ARRAY[jsonb_array_length(p_items)]);
BEGIN
  WITH fine AS MATERIALIZED (
    SELECT i.*, n.quantity AS exact_quantity, n.price, p.account_id, p.version, u.required,
      nextval('engine.fencing_tokens') AS fencing_token, p_now + i.lock_ttl_ms * interval '1 millisecond' AS expires_at
    FROM ROWS FROM (jsonb_to_recordset(p_items) AS (
        robot_id uuid, profile_id uuid, idempotency_key text, request_hash text, intent_id uuid,
        client_order_id text, symbol text, type text, quantity text, limit_price text, time_in_force text,
        post_only boolean, label text, owner uuid, lock_ttl_ms integer, exchange_deadline timestamptz,
        price_at timestamptz, spec_version integer))
        WITH ORDINALITY AS i(robot_id, profile_id, idempotency_key, request_hash, intent_id, client_order_id,
        symbol, type, quantity, limit_price, time_in_force, post_only, label, owner, lock_ttl_ms,
        exchange_deadline, price_at, spec_version, item)
    CROSS JOIN LATERAL (SELECT engine.plain_number(i.quantity) AS quantity,
        engine.plain_number(i.limit_price) AS price OFFSET 0) n
    CROSS JOIN LATERAL (SELECT account_id, spec_version AS version, quote_asset FROM engine.profiles
        WHERE tenant_id = p_tenant_id AND profile_id = i.profile_id AND account_active AND tenant_active
          AND spec_is_empty LIMIT 1) p
    CROSS JOIN LATERAL (SELECT engine.entry_cost(n.quantity, n.price, t.maker_fee_rate, t.taker_fee_rate) AS required
        FROM engine.instruments t
        WHERE t.tenant_id = p_tenant_id AND t.account_id = p.account_id AND t.symbol = i.symbol
          AND engine.entry_is_fine(n.quantity, n.price, p.quote_asset, t) LIMIT 1) u
    WHERE i.type <> 'market' OR coalesce(i.spec_version, p.version) = p.version
  ), made AS (
    INSERT INTO engine.intents (tenant_id, intent_id, profile_id, account_id, robot_id, kind, symbol, side, type,
      quantity, limit_price, time_in_force, post_only, label, client_order_id, state, owner, fencing_token,
      expires_at, exchange_deadline, spec_version, created_at, updated_at, reserved_unit, reserved_amount,
      reserved_remaining, idempotency_key, request_hash)
    SELECT p_tenant_id, intent_id, profile_id, account_id, robot_id, 'entry', symbol, 'buy', type, exact_quantity,
      price, time_in_force, post_only, label, client_order_id, 'sending', owner, fencing_token, expires_at,
      exchange_deadline, version, p_now, p_now, 'quote', required, required, idempotency_key, request_hash
    FROM fine ORDER BY profile_id, symbol, item
    ON CONFLICT DO NOTHING
    RETURNING intent_id)
  SELECT array_agg(ROW(f.item, f.robot_id, f.profile_id, f.idempotency_key, NULL, f.intent_id, f.client_order_id,
      f.symbol, f.type, f.exact_quantity, f.price, NULL, NULL, f.label, NULL, f.expires_at, f.exchange_deadline,
      f.price_at, NULL, f.version, f.fencing_token, f.required, NULL, NULL, NULL, NULL, NULL)::engine.intent_plan),
    count(DISTINCT f.intent_id)
  INTO v_plan, v_made FROM made JOIN fine f USING (intent_id);
  IF v_made = cardinality(v_plan) THEN  -- else an intent stands in the array twice
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
