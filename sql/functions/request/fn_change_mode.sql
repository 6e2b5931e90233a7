-- Sets the mode of a tenant, an account or a profile by a robot's call: claims its key, sets, and keeps the answer,
-- all in one transaction. What is then allowed is read inside fn_open_entry, so it holds at once on every instance.
-- Locks: the key's row, the row of that level. Writes request_keys, that row, outbox, audit.
-- Raises HF403 foreign tenant; HF404 no such thing; HF412 a profile with available below zero cannot resume; HF413 no
-- key; HF414 key of another request; HF422 bad level, mode, actor or reason. A refusal leaves the key free.
CREATE OR REPLACE FUNCTION engine.fn_change_mode(
  p_tenant_id uuid, p_robot_id uuid, p_key text, p_request_hash text, p_level text, p_id uuid, p_mode text,
  p_actor text, p_reason text
) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  v_kept jsonb;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  v_kept := engine.claim_request(p_tenant_id, p_robot_id, p_key, p_request_hash, engine.fn_clock());
  IF v_kept IS NOT NULL THEN
    RETURN v_kept || '{"replay": true}';
  END IF;
  RETURN engine.keep_answer(p_tenant_id, p_robot_id, p_key,
    engine.fn_set_mode(p_tenant_id, p_level, p_id, p_mode, p_actor, p_reason)) || '{"replay": false}';
END $$;
COMMENT ON FUNCTION engine.fn_change_mode(uuid, uuid, text, text, text, uuid, text, text, text) IS
  'sets a mode under an idempotency key; gives what fn_set_mode gives, and replay';
REVOKE ALL ON FUNCTION engine.fn_change_mode(uuid, uuid, text, text, text, uuid, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_change_mode(uuid, uuid, text, text, text, uuid, text, text, text)
  TO holdfast_engine;
