-- Renders the results of an array of opened intents in its order; replays of what other calls, or earlier
-- items, have written are read now, after every wait, in statements of their own.
-- Locks and writes nothing; raises nothing.
CREATE OR REPLACE FUNCTION engine.open_results(p_tenant_id uuid, p_plan engine.intent_plan[]) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  v_results jsonb[];
  v_plan engine.intent_plan;
BEGIN
  FOREACH v_plan IN ARRAY p_plan LOOP
    IF v_plan.result IS NULL THEN
      v_plan.result := engine.opened_result(v_plan.intent_id, v_plan.client_order_id, v_plan.fencing_token,
        v_plan.expires_at, v_plan.exchange_deadline, v_plan.quantity, v_plan.required, v_plan.available,
        v_plan.spec_version);
    ELSIF v_plan.result = '{"code": "REPLAY"}' THEN
      -- the first holder of the key was denied in a way that is not stored: nothing stands in the way of a retry
      v_plan.result := coalesce(
        engine.replay_of(p_tenant_id, v_plan.robot_id, v_plan.key, v_plan.request_hash), '{"code": "BUSY"}');
    END IF;
    v_results := v_results || v_plan.result;
  END LOOP;
  RETURN to_jsonb(v_results);
END $$;
COMMENT ON FUNCTION engine.open_results(uuid, engine.intent_plan[]) IS 'results of opened intents';
REVOKE ALL ON FUNCTION engine.open_results(uuid, engine.intent_plan[]) FROM PUBLIC;
