-- Records what the exchange confirmed of intents of one kind: orders, then the fills that waited or came with
-- the answer, then a terminal status. Idempotent by intent, fills by their identity.
-- Locks: intents → orders → positions → profile_capital → unassigned, each sorted.
-- Writes what confirm_intents, book_fill and report_end write. Returns one result per item. Raises HF422.
CREATE OR REPLACE FUNCTION engine.persist_lifecycle(
  p_tenant_id uuid, p_items jsonb, p_kind text, p_now timestamptz
) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  v_results jsonb[] := engine.confirm_intents(p_tenant_id, p_items, p_kind, p_now);
  v_intents uuid[];
  v_item jsonb;
  v_fills jsonb;
  v_answer jsonb;
BEGIN
  v_intents := ARRAY(SELECT CASE WHEN r.result ->> 'code' = 'OK'
      THEN (p_items -> (r.place - 1)::integer ->> 'intent_id')::uuid END
    FROM unnest(v_results) WITH ORDINALITY r(result, place) ORDER BY r.place);
  PERFORM engine.lock_orders(p_tenant_id, v_intents);
  PERFORM engine.drain_unmatched(p_tenant_id, v_intents, p_now);
  FOR v_place IN 1 .. cardinality(v_results) LOOP
    CONTINUE WHEN v_intents[v_place] IS NULL;
    v_item := p_items -> (v_place - 1);
    v_fills := '[]';
    IF jsonb_typeof(v_item -> 'fills') = 'array' THEN
      FOR v_fill IN 0 .. jsonb_array_length(v_item -> 'fills') - 1 LOOP
        v_answer := engine.book_fill(p_tenant_id, v_intents[v_place], v_item -> 'fills' -> v_fill, p_now);
        v_fills := v_fills || jsonb_build_array(v_answer -> 'code');
      END LOOP;
    END IF;
    IF v_item ->> 'status' IN ('filled', 'canceled', 'expired', 'rejected') THEN
      v_answer := engine.report_end(p_tenant_id, v_intents[v_place], v_item ->> 'status',
        engine.exact_number(v_item ->> 'filled_quantity', 'filled_quantity', false),
        (v_item ->> 'exchange_time')::timestamptz, p_now);
    ELSIF (v_item ->> 'filled_quantity')::numeric > 0 THEN
      UPDATE engine.orders SET updated_at = p_now, filled_quantity = greatest(filled_quantity,
        engine.exact_number(v_item ->> 'filled_quantity', 'filled_quantity', false))
      WHERE tenant_id = p_tenant_id AND intent_id = v_intents[v_place];
    END IF;
    v_results[v_place] := v_results[v_place] || jsonb_build_object('fills', v_fills, 'order_status',
      (SELECT status FROM engine.orders WHERE tenant_id = p_tenant_id AND intent_id = v_intents[v_place]));
  END LOOP;
  RETURN to_jsonb(v_results);
END $$;
COMMENT ON FUNCTION engine.persist_lifecycle(uuid, jsonb, text, timestamptz) IS
  'records what the exchange confirmed of intents';
REVOKE ALL ON FUNCTION engine.persist_lifecycle(uuid, jsonb, text, timestamptz) FROM PUBLIC;
