-- Tells whether an array of planned intents has anything to write: an open item or a denial to store.
-- Locks, writes and raises nothing.
CREATE OR REPLACE FUNCTION engine.wants_keys(p_plan engine.intent_plan[]) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  FOR v_item IN 1 .. cardinality(p_plan) LOOP
    IF p_plan[v_item].result IS NULL OR engine.is_stored_denial(p_plan[v_item].result ->> 'code') THEN
      RETURN true;
    END IF;
  END LOOP;
  RETURN false;
END $$;
COMMENT ON FUNCTION engine.wants_keys(engine.intent_plan[]) IS 'whether planned intents have anything to write';
REVOKE ALL ON FUNCTION engine.wants_keys(engine.intent_plan[]) FROM PUBLIC;
