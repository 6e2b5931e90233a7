-- Locks what the release of several intents may touch, level by level and sorted; one intent alone is locked the
-- same way, then read in a later statement.
-- Locks: intents → positions → profile_capital. Writes and raises nothing.
CREATE OR REPLACE FUNCTION engine.lock_intents(p_tenant_id uuid, p_items jsonb) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_intents uuid[] := ARRAY(SELECT (e ->> 'intent_id')::uuid FROM jsonb_array_elements(p_items) e);
BEGIN
  PERFORM FROM engine.intents WHERE tenant_id = p_tenant_id AND intent_id = ANY (v_intents)
  ORDER BY intent_id FOR NO KEY UPDATE;
  IF cardinality(v_intents) < 2 THEN
    RETURN;
  END IF;
  PERFORM FROM engine.positions WHERE tenant_id = p_tenant_id AND (profile_id, symbol) IN (
    SELECT profile_id, symbol FROM engine.intents WHERE tenant_id = p_tenant_id AND intent_id = ANY (v_intents))
  ORDER BY profile_id, symbol FOR NO KEY UPDATE;
  PERFORM FROM engine.profile_capital WHERE tenant_id = p_tenant_id AND profile_id IN (
    SELECT profile_id FROM engine.intents WHERE tenant_id = p_tenant_id AND intent_id = ANY (v_intents))
  ORDER BY profile_id FOR NO KEY UPDATE;
END $$;
COMMENT ON FUNCTION engine.lock_intents(uuid, jsonb) IS 'locks what the release of intents may touch, sorted';
REVOKE ALL ON FUNCTION engine.lock_intents(uuid, jsonb) FROM PUBLIC;
