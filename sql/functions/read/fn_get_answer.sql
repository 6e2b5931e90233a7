-- Reads what became of a robot's request by its idempotency key alone, without the request's body: of an order its
-- intent's present state or the stored denial, of any other call what it has changed. Where a key was used for both,
-- the order's counts.
-- Gives {of: 'order' | 'call', created_at, intent | denial | answer}; NULL if the robot has no such key.
-- Locks nothing, writes nothing. Raises HF401, HF403 foreign tenant.
CREATE OR REPLACE FUNCTION engine.fn_get_answer(p_tenant_id uuid, p_robot_id uuid, p_key text)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  v_found jsonb;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  SELECT jsonb_build_object('of', 'order', 'created_at', i.created_at, 'denial', NULL,
      'intent', engine.intent_view(i)) INTO v_found
    FROM engine.intents i
    WHERE i.tenant_id = p_tenant_id AND i.robot_id = p_robot_id AND i.idempotency_key = p_key;
  IF NOT FOUND THEN
    SELECT jsonb_build_object('of', 'order', 'created_at', k.created_at, 'denial', k.denial, 'intent', NULL)
      INTO v_found
      FROM engine.denials k
      WHERE k.tenant_id = p_tenant_id AND k.robot_id = p_robot_id AND k.key = p_key;
  END IF;
  IF NOT FOUND THEN
    SELECT jsonb_build_object('of', 'call', 'created_at', k.created_at, 'answer', k.answer) INTO v_found
      FROM engine.request_keys k
      WHERE k.tenant_id = p_tenant_id AND k.robot_id = p_robot_id AND k.key = p_key;
  END IF;
  RETURN v_found;
END
$$;
COMMENT ON FUNCTION engine.fn_get_answer IS
  'What became of a request, by its idempotency key; NULL if it is not known.';
REVOKE ALL ON FUNCTION engine.fn_get_answer FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_get_answer TO holdfast_engine, holdfast_reader;
