-- Records what the exchange confirmed of an array of entries: those that ended or came with fills one by one as far
-- as engine.persist_lone_entry takes them, what is left together by engine.persist_lifecycle. Everything that they may
-- touch is locked first, level by level and sorted, so that two arrays in different orders never deadlock.
-- Locks: intents → orders → positions → profile_capital → unassigned_holdings, each sorted. Writes what those two
-- write. Returns one result per item, in their order. Raises HF422.
CREATE OR REPLACE FUNCTION engine.persist_entries(p_tenant_id uuid, p_items jsonb, p_now timestamptz) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  v_intents uuid[] := ARRAY(SELECT (e ->> 'intent_id')::uuid FROM jsonb_array_elements(p_items) e);
  v_results jsonb[] := array_fill(NULL::jsonb, ARRAY[cardinality(v_intents)]);
  v_left integer[];
  v_rest jsonb;
BEGIN
  IF cardinality(v_intents) <> (SELECT count(DISTINCT i) FROM unnest(v_intents) i) THEN
    RETURN engine.persist_lifecycle(p_tenant_id, p_items, 'entry', p_now);  -- told twice: the order matters
  END IF;
  PERFORM FROM engine.intents WHERE tenant_id = p_tenant_id AND intent_id = ANY (v_intents)
  ORDER BY intent_id FOR NO KEY UPDATE;
  PERFORM engine.lock_orders(p_tenant_id, v_intents);
  FOR v_place IN 1 .. cardinality(v_intents) LOOP
    IF p_items -> (v_place - 1) ->> 'status' IN ('filled', 'canceled', 'expired', 'rejected')
      OR p_items -> (v_place - 1) -> 'fills' -> 0 IS NOT NULL THEN
      v_results[v_place] := engine.persist_lone_entry(p_tenant_id, p_items -> (v_place - 1), p_now);
    END IF;
    IF v_results[v_place] IS NULL THEN
      v_left := v_left || v_place;
    END IF;
  END LOOP;
  IF v_left IS NOT NULL THEN
    SELECT jsonb_agg(p_items -> (l - 1) ORDER BY l) INTO v_rest FROM unnest(v_left) l;
    v_rest := engine.persist_lifecycle(p_tenant_id, v_rest, 'entry', p_now);
    FOR v_place IN 1 .. cardinality(v_left) LOOP
      v_results[v_left[v_place]] := v_rest -> (v_place - 1);
    END LOOP;
  END IF;
  RETURN to_jsonb(v_results);
END $$;
COMMENT ON FUNCTION engine.persist_entries(uuid, jsonb, timestamptz) IS
  'records what the exchange confirmed of an array of entries';
REVOKE ALL ON FUNCTION engine.persist_entries(uuid, jsonb, timestamptz) FROM PUBLIC;
