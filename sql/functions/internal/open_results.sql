-- Renders the results of an array of opened intents in its order; replays of what other calls, or earlier
-- items, have written are read now, after every wait, in statements of their own.
-- Locks and writes nothing; raises nothing.
CREATE OR REPLACE FUNCTION engine.open_results(p_tenant_id uuid, p_plan engine.intent_plan[]) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
  RETURN (
    SELECT jsonb_agg(CASE
        WHEN d.result IS NULL THEN engine.opened_result(d)
        -- the first holder of a key may be denied in a way that is not stored: nothing hinders a retry then
        WHEN d.result = '{"code": "REPLAY"}' THEN coalesce(
          engine.replay_of(p_tenant_id, d.robot_id, d.key, d.request_hash), '{"code": "BUSY"}')
        ELSE d.result END ORDER BY d.item)
    FROM unnest(p_plan) d);
END $$;
COMMENT ON FUNCTION engine.open_results(uuid, engine.intent_plan[]) IS 'results of opened intents';
REVOKE ALL ON FUNCTION engine.open_results(uuid, engine.intent_plan[]) FROM PUBLIC;
