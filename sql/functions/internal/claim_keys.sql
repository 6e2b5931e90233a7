-- Claims the idempotency keys of an array: for its intent, with the denial if that is stored.
-- Locks: waits for a concurrent claim of the same key; claims in key order, so arrays never deadlock.
-- Writes idempotency_keys and, for each new denial, an outbox row. A key lost to another call becomes the
-- marker REPLAY, rendered by the caller when everything is written. Raises nothing.
CREATE OR REPLACE FUNCTION engine.claim_keys(
  p_tenant_id uuid, p_plan engine.intent_plan[], p_kind text, p_now timestamptz
) RETURNS engine.intent_plan[]
LANGUAGE plpgsql AS $$
DECLARE
  v_claimed text[];
  v_place integer;
  v_code text;
BEGIN
  WITH claimed AS (
    INSERT INTO engine.idempotency_keys (tenant_id, robot_id, key, request_hash, intent_id, denial, created_at)
    SELECT p_tenant_id, robot_id, key, request_hash, intent_id, result, p_now
    FROM unnest(p_plan)
    WHERE result IS NULL OR engine.is_stored_denial(result ->> 'code')
    ORDER BY robot_id, key, item
    ON CONFLICT DO NOTHING
    RETURNING robot_id, key)
  SELECT array_agg(robot_id || ':' || key) INTO v_claimed FROM claimed;
  FOR v_item IN 1 .. cardinality(p_plan) LOOP
    v_code := p_plan[v_item].result ->> 'code';
    CONTINUE WHEN v_code IS NOT NULL AND NOT engine.is_stored_denial(v_code);
    v_place := array_position(v_claimed, p_plan[v_item].robot_id || ':' || p_plan[v_item].key);
    IF v_place IS NULL THEN
      p_plan[v_item].result := '{"code": "REPLAY"}';
    ELSE
      v_claimed[v_place] := NULL;  -- a second item with this key is a replay of the first
      IF v_code IS NOT NULL THEN
        PERFORM engine.record_denial(p_tenant_id, p_plan[v_item], p_kind, p_now);
      END IF;
    END IF;
  END LOOP;
  RETURN p_plan;
END $$;
COMMENT ON FUNCTION engine.claim_keys(uuid, engine.intent_plan[], text, timestamptz) IS 'claims idempotency keys';
REVOKE ALL ON FUNCTION engine.claim_keys(uuid, engine.intent_plan[], text, timestamptz) FROM PUBLIC;
