-- Keeps what a call has changed under the key that it claimed in this transaction, and gives it back.
-- Locks and writes the key's row. Raises nothing.
CREATE OR REPLACE FUNCTION engine.keep_answer(p_tenant_id uuid, p_robot_id uuid, p_key text, p_answer jsonb)
RETURNS jsonb
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  UPDATE engine.request_keys SET answer = p_answer
  WHERE tenant_id = p_tenant_id AND robot_id = p_robot_id AND key = p_key;
  RETURN p_answer;
END $$;
COMMENT ON FUNCTION engine.keep_answer(uuid, uuid, text, jsonb) IS 'keeps an answer under its key';
REVOKE ALL ON FUNCTION engine.keep_answer(uuid, uuid, text, jsonb) FROM PUBLIC;
