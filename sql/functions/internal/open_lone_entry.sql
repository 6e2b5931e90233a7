-- Opens a lone entry that nothing speaks against, in scalar statements: a robot's single order is the common
-- case, and set-based statements, or all writes as one statement, cost it more. A known key is answered here
-- too. Whatever else is not plainly fine - unknown, denied, a race lost for lock or capital - leaves no trace
-- and is decided by the functions for arrays.
-- Five statements, because each costs more to prepare than to run: what only reads the item stays outside of them.
-- Locks: idempotency key, entry lock (the intent's row), profile_capital last. Writes what fn_open_entry writes.
-- Returns the item's result, or NULL: not opened. Raises nothing.
CREATE OR REPLACE FUNCTION engine.open_lone_entry(p_tenant_id uuid, p_item jsonb, p_now timestamptz) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  v engine.intent_plan;
  v_read record;
BEGIN
  v.robot_id := (p_item ->> 'robot_id')::uuid;
  v.key := p_item ->> 'idempotency_key';
  v.request_hash := p_item ->> 'request_hash';
  v.intent_id := (p_item ->> 'intent_id')::uuid;
  INSERT INTO engine.idempotency_keys (tenant_id, robot_id, key, request_hash, intent_id, created_at)
  VALUES (p_tenant_id, v.robot_id, v.key, v.request_hash, v.intent_id, p_now)
  ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RETURN engine.replay_of(p_tenant_id, v.robot_id, v.key, v.request_hash);
  END IF;
  v.profile_id := (p_item ->> 'profile_id')::uuid;
  v.symbol := p_item ->> 'symbol';
  v.quantity := engine.plain_number(p_item ->> 'quantity');
  v.limit_price := engine.plain_number(p_item ->> 'limit_price');
  SELECT p.account_id, p.quote_asset, p.spec_version, u AS instrument, ARRAY[e.mode::text, t.mode, a.mode] AS modes,
    ARRAY[e.mode_reason, t.mode_reason, a.mode_reason] AS reasons, s.spec INTO v_read
  FROM engine.profiles p, engine.instruments u, engine.engine_settings e, engine.tenants t,
    -- LIMIT 1 makes it a probe by the whole key, not a look at all accounts or all versions of a spec
    LATERAL (SELECT mode::text, mode_reason FROM engine.exchange_accounts
      WHERE tenant_id = p_tenant_id AND account_id = p.account_id LIMIT 1) a,
    LATERAL (SELECT spec FROM engine.profile_specs
      WHERE tenant_id = p_tenant_id AND profile_id = p.profile_id AND version = p.spec_version LIMIT 1) s
  WHERE p.tenant_id = p_tenant_id AND p.profile_id = v.profile_id
    AND u.tenant_id = p_tenant_id AND u.account_id = p.account_id AND u.symbol = v.symbol
    AND e.only_row AND t.tenant_id = p_tenant_id;
  v.result := engine.judge_entry(v.symbol, v.quantity, v.limit_price, v_read.quote_asset, v_read.instrument,
    v_read.modes, v_read.reasons, v_read.spec);
  IF v.result IS NULL THEN
    v.account_id := v_read.account_id;
    v.spec_version := v_read.spec_version;
    v := engine.write_lone_entry(p_tenant_id, v, p_item, v_read.instrument, p_now);
    IF v.version IS NOT NULL THEN
      RETURN engine.opened_result(v);
    END IF;
  END IF;
  DELETE FROM engine.idempotency_keys WHERE tenant_id = p_tenant_id AND robot_id = v.robot_id AND key = v.key;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION engine.open_lone_entry(uuid, jsonb, timestamptz) IS 'opens one entry that is plainly fine';
REVOKE ALL ON FUNCTION engine.open_lone_entry(uuid, jsonb, timestamptz) FROM PUBLIC;
