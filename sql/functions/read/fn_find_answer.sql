-- Reads the answer to an idempotency key that was used before, without opening anything: the intent's present
-- state or the stored denial, NULL for a new key. For requests that are refused before they reach fn_open_*:
-- a known key keeps its answer although its price is stale by now.
-- Locks nothing, writes nothing. Raises HF401, HF403 foreign tenant.
CREATE OR REPLACE FUNCTION engine.fn_find_answer(
  p_tenant_id uuid, p_robot_id uuid, p_key text, p_request_hash text
) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  RETURN engine.replay_of(p_tenant_id, p_robot_id, p_key, p_request_hash);
END $$;
COMMENT ON FUNCTION engine.fn_find_answer(uuid, uuid, text, text) IS 'answer to a key that was used before; NULL if it was not';
REVOKE ALL ON FUNCTION engine.fn_find_answer(uuid, uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_find_answer(uuid, uuid, text, text) TO holdfast_engine;
