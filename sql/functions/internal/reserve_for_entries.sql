-- Reserves capital for what is still open, greedily in the array's order, and numbers its events.
-- What a spec limits over time or by count is judged here too, because every entry of a profile waits for its row.
-- Locks: profile_capital rows in profile order, as late as possible. Writes
-- profile_capital, what engine.limit_entry and engine.store_denials write; takes back the intents of what is denied. Raises nothing.
CREATE OR REPLACE FUNCTION engine.reserve_for_entries(
  p_tenant_id uuid, p_plan engine.intent_plan[], p_now timestamptz
) RETURNS engine.intent_plan[]
LANGUAGE plpgsql AS $$
DECLARE
  v_open integer[] := ARRAY(SELECT item FROM unnest(p_plan) WHERE result IS NULL ORDER BY item);
  v_item integer;
  v_plan engine.intent_plan;
  v_place integer;
  v_profiles uuid[];
  v_capital engine.profile_capital;
  v_capitals engine.profile_capital[];
  v_denied integer[];
  v_limited uuid[];  -- profiles whose spec has limits
  v_undecided uuid[] := ARRAY(SELECT intent_id FROM unnest(p_plan) WHERE result IS NULL);
BEGIN
  FOR v_capital IN
    SELECT * FROM engine.profile_capital
    WHERE tenant_id = p_tenant_id
      AND profile_id = ANY (ARRAY(SELECT d.profile_id FROM unnest(p_plan) d WHERE d.result IS NULL))
    ORDER BY profile_id FOR NO KEY UPDATE
  LOOP
    v_profiles := v_profiles || v_capital.profile_id;
    v_capitals := v_capitals || v_capital;
  END LOOP;
  v_limited := ARRAY(SELECT profile_id FROM engine.profiles
    WHERE tenant_id = p_tenant_id AND profile_id = ANY (v_profiles) AND NOT spec_is_empty);
  FOREACH v_item IN ARRAY v_open LOOP
    v_plan := p_plan[v_item];
    v_place := array_position(v_profiles, v_plan.profile_id);
    v_capital := v_capitals[v_place];
    IF v_capital.mode <> 'active' THEN
      v_plan.result := engine.mode_denial(
        ARRAY['active', 'active', 'active', v_capital.mode], ARRAY[NULL, NULL, NULL, v_capital.mode_reason]);
      v_denied := v_denied || v_item;
    ELSIF v_capital.available < v_plan.required THEN
      v_plan.result := jsonb_build_object('code', 'INSUFFICIENT_CAPITAL',
        'required', trim_scale(v_plan.required)::text, 'available', trim_scale(v_capital.available)::text);
      v_denied := v_denied || v_item;
    ELSIF v_plan.profile_id = ANY (v_limited) THEN
      v_plan.result := engine.limit_entry(p_tenant_id, v_plan, v_undecided, p_now);
    END IF;
    IF v_plan.result ->> 'code' = 'LIMIT_EXCEEDED' THEN
      v_denied := v_denied || v_item;
    ELSIF v_plan.result IS NULL THEN
      v_undecided := array_remove(v_undecided, v_plan.intent_id);
      v_capital.available := v_capital.available - v_plan.required;
      v_capital.reserved_for_orders := v_capital.reserved_for_orders + v_plan.required;
      v_capital.version := v_capital.version + 1;
      v_capitals[v_place] := v_capital;
      v_plan.available := v_capital.available;
      v_plan.reserved := v_capital.reserved_for_orders;
      v_plan.version := v_capital.version;
      v_plan.event_id := nextval('engine.event_ids');
    END IF;
    p_plan[v_item] := v_plan;
  END LOOP;
  UPDATE engine.profile_capital c SET available = n.available, reserved_for_orders = n.reserved_for_orders,
    version = n.version, updated_at = p_now
  FROM unnest(v_capitals) n
  WHERE c.tenant_id = p_tenant_id AND c.profile_id = n.profile_id AND c.version <> n.version;
  IF v_denied IS NOT NULL THEN  -- their intents were written as entry locks; nobody has seen them
    DELETE FROM engine.intents WHERE tenant_id = p_tenant_id
      AND intent_id = ANY (ARRAY(SELECT intent_id FROM unnest(p_plan) WHERE item = ANY (v_denied)));
    p_plan := engine.store_denials(p_tenant_id, p_plan, v_denied, 'entry', p_now);
  END IF;
  RETURN p_plan;
END $$;
COMMENT ON FUNCTION engine.reserve_for_entries(uuid, engine.intent_plan[], timestamptz) IS
  'reserves capital for entries';
REVOKE ALL ON FUNCTION engine.reserve_for_entries(uuid, engine.intent_plan[], timestamptz) FROM PUBLIC;
