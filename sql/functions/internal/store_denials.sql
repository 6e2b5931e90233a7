-- Stores those denials among p_items that a retry must not flip, each with its key, and publishes them.
-- A key belongs to one intent or one denial. Whoever writes an intent claims its key by the index intents_by_key and
-- looks for a denial afterwards; so a denial claims its key there too, by an intent that nobody sees: made here and
-- taken away at once. Whoever comes with the same key waits for it, and finds the denial. An entry's key is claimed
-- before capital is locked, as all keys of entries are: before it, or by the intent that was denied under that lock.
-- Locks: keys in (robot, key) order; waits for a concurrent claim of the same key. Writes denials and, for each, an
-- outbox row. A key lost to another call becomes the marker REPLAY, rendered by the caller. Raises nothing.
CREATE OR REPLACE FUNCTION engine.store_denials(
  p_tenant_id uuid, p_plan engine.intent_plan[], p_items integer[], p_kind text, p_now timestamptz
) RETURNS engine.intent_plan[]
LANGUAGE plpgsql AS $$
DECLARE
  v_denied integer[] := ARRAY(SELECT item FROM unnest(p_plan)
    WHERE item = ANY (p_items) AND engine.is_stored_denial(result ->> 'code') ORDER BY item);
  v_item integer;
  v_claimed uuid[];
  v_stored text[];
  v_place integer;
BEGIN
  IF v_denied = '{}' THEN
    RETURN p_plan;
  END IF;
  WITH claimed AS (
    INSERT INTO engine.intents (tenant_id, intent_id, profile_id, account_id, robot_id, kind, symbol, side, type,
      quantity, time_in_force, post_only, client_order_id, state, owner, fencing_token, expires_at, exchange_deadline,
      spec_version, created_at, updated_at, released_at, idempotency_key, request_hash)
    SELECT p_tenant_id, intent_id, profile_id, account_id, robot_id, p_kind, symbol, 'buy', type, 1, time_in_force,
      post_only, client_order_id, 'rejected', owner, fencing_token, p_now, p_now, spec_version, p_now, p_now, p_now,
      key, request_hash
    FROM unnest(p_plan) WHERE item = ANY (v_denied) ORDER BY robot_id, key, item
    ON CONFLICT DO NOTHING
    RETURNING intent_id)
  SELECT array_agg(intent_id) INTO v_claimed FROM claimed;
  DELETE FROM engine.intents WHERE tenant_id = p_tenant_id AND intent_id = ANY (v_claimed);
  WITH stored AS (
    INSERT INTO engine.denials (tenant_id, robot_id, key, request_hash, denial, created_at)
    SELECT p_tenant_id, robot_id, key, request_hash, result, p_now
    FROM unnest(p_plan) WHERE item = ANY (v_denied) AND intent_id = ANY (v_claimed) ORDER BY robot_id, key, item
    ON CONFLICT DO NOTHING
    RETURNING robot_id, key)
  SELECT array_agg(robot_id || ':' || key) INTO v_stored FROM stored;
  FOREACH v_item IN ARRAY v_denied LOOP
    v_place := array_position(v_stored, p_plan[v_item].robot_id || ':' || p_plan[v_item].key);
    IF v_place IS NULL THEN
      p_plan[v_item].result := '{"code": "REPLAY"}';
    ELSE
      v_stored[v_place] := NULL;  -- a second item with this key is a replay of the first
      PERFORM engine.record_denial(p_tenant_id, p_plan[v_item], p_kind, p_now);
    END IF;
  END LOOP;
  RETURN p_plan;
END $$;
COMMENT ON FUNCTION engine.store_denials(uuid, engine.intent_plan[], integer[], text, timestamptz) IS
  'stores denials with their keys';
REVOKE ALL ON FUNCTION engine.store_denials(uuid, engine.intent_plan[], integer[], text, timestamptz) FROM PUBLIC;
