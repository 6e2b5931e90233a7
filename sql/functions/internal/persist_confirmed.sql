-- Records what the exchange confirmed of intents of one kind: a lone one, and in an array those that ended or came with
-- fills, one by one as far as engine.persist_lone takes them; what is left together by engine.persist_lifecycle.
-- Everything that an array may touch is locked first, level by level and sorted, so that two arrays in different orders
-- never deadlock.
-- Locks: intents → orders → positions → profile_capital → unassigned_holdings, each sorted.
-- Writes what those two write. Returns one result per item, in their order. Raises HF422.
CREATE OR REPLACE FUNCTION engine.persist_confirmed(
  p_tenant_id uuid, p_items jsonb, p_kind text, p_now timestamptz
) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  v_intents uuid[];
  v_results jsonb[];
  v_left integer[];
  v_rest jsonb;
BEGIN
  IF jsonb_array_length(p_items) = 1 THEN
    v_rest := engine.persist_lone(p_tenant_id, p_items -> 0, p_kind, p_now);
    RETURN CASE WHEN v_rest IS NULL THEN engine.persist_lifecycle(p_tenant_id, p_items, p_kind, p_now)
      ELSE jsonb_build_array(v_rest) END;
  END IF;
  v_intents := ARRAY(SELECT (e ->> 'intent_id')::uuid FROM jsonb_array_elements(p_items) e);
  IF cardinality(v_intents) <> (SELECT count(DISTINCT i) FROM unnest(v_intents) i) THEN
    RETURN engine.persist_lifecycle(p_tenant_id, p_items, p_kind, p_now);  -- told twice: their order matters
  END IF;
  PERFORM FROM engine.intents WHERE tenant_id = p_tenant_id AND intent_id = ANY (v_intents)
  ORDER BY intent_id FOR NO KEY UPDATE;
  PERFORM engine.lock_orders(p_tenant_id, v_intents);
  v_results := array_fill(NULL::jsonb, ARRAY[cardinality(v_intents)]);
  FOR v_place IN 1 .. cardinality(v_intents) LOOP
    IF p_items -> (v_place - 1) ->> 'status' IN ('filled', 'canceled', 'expired', 'rejected')
      OR p_items -> (v_place - 1) -> 'fills' -> 0 IS NOT NULL THEN
      v_results[v_place] := engine.persist_lone(p_tenant_id, p_items -> (v_place - 1), p_kind, p_now);
    END IF;
    IF v_results[v_place] IS NULL THEN
      v_left := v_left || v_place;
    END IF;
  END LOOP;
  IF v_left IS NOT NULL THEN
    SELECT jsonb_agg(p_items -> (l - 1) ORDER BY l) INTO v_rest FROM unnest(v_left) l;
    v_rest := engine.persist_lifecycle(p_tenant_id, v_rest, p_kind, p_now);
    FOR v_place IN 1 .. cardinality(v_left) LOOP
      v_results[v_left[v_place]] := v_rest -> (v_place - 1);
    END LOOP;
  END IF;
  RETURN to_jsonb(v_results);
END $$;
COMMENT ON FUNCTION engine.persist_confirmed(uuid, jsonb, text, timestamptz) IS
  'records what the exchange confirmed of intents of one kind';
REVOKE ALL ON FUNCTION engine.persist_confirmed(uuid, jsonb, text, timestamptz) FROM PUBLIC;
