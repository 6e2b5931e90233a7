-- Opens or denies, one after the other in the array's order, the entries that have no result yet: what is not plainly
-- fine is judged by everything there is.
-- Locks: keys and entry locks (both rows of intents), profile_capital, each sorted; what engine.limit_entry locks.
-- Writes intents, profile_capital, facts, denials. Returns all results. Raises the tables' own errors.
CREATE OR REPLACE FUNCTION engine.open_judged_entries(
  p_tenant_id uuid, p_items jsonb, p_results jsonb[], p_now timestamptz
) RETURNS jsonb[]
LANGUAGE plpgsql AS $$
DECLARE
  v_places integer[] := ARRAY(SELECT n FROM generate_subscripts(p_results, 1) n WHERE p_results[n] IS NULL ORDER BY n);
  v_items jsonb := (SELECT jsonb_agg(p_items -> n - 1 ORDER BY n) FROM unnest(v_places) n);
  v_plan engine.intent_plan[] := engine.plan_entries(p_tenant_id, v_items, p_now);
  v_judged jsonb;
BEGIN
  IF engine.wants_keys(v_plan) THEN
    v_plan := engine.store_denials(p_tenant_id, v_plan, ARRAY(SELECT generate_subscripts(v_plan, 1)), 'entry', p_now);
    v_plan := engine.write_intents(p_tenant_id, v_plan, 'entry', p_now);
    v_plan := engine.reserve_for_entries(p_tenant_id, v_plan, p_now);
    PERFORM engine.write_sending(p_tenant_id, v_plan, 'entry', p_now);
  END IF;
  v_judged := engine.open_results(p_tenant_id, v_plan);
  FOR v_place IN 1 .. cardinality(v_places) LOOP
    p_results[v_places[v_place]] := v_judged -> v_place - 1;
  END LOOP;
  RETURN p_results;
END $$;
COMMENT ON FUNCTION engine.open_judged_entries(uuid, jsonb, jsonb[], timestamptz) IS
  'opens or denies entries that are not plainly fine';
REVOKE ALL ON FUNCTION engine.open_judged_entries(uuid, jsonb, jsonb[], timestamptz) FROM PUBLIC;
