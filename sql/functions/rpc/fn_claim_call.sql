-- Claims the id of a call over RPC in the transaction of its effect: who comes second waits for the first one's
-- commit, and gets what it answered. Takes away a few calls of this tenant that are older than an hour.
-- Locks: the call's row. Writes rpc_calls. NULL: the id is new and now this transaction's.
-- Raises HF401, HF403 foreign tenant; HF413 no id or function; HF414 the id was another function's call; 40001 the
-- first call left no answer, ask again.
CREATE OR REPLACE FUNCTION engine.fn_claim_call(p_tenant_id uuid, p_call_id uuid, p_function text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
  v_known engine.rpc_calls;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  IF p_call_id IS NULL OR p_function IS NULL THEN
    PERFORM engine.refuse('HF413', 'a call over RPC has an id and a function');
  END IF;
  INSERT INTO engine.rpc_calls (tenant_id, call_id, function, called_at)
  VALUES (p_tenant_id, p_call_id, p_function, v_now) ON CONFLICT DO NOTHING;
  IF FOUND THEN
    DELETE FROM engine.rpc_calls c USING (
      SELECT call_id FROM engine.rpc_calls
      WHERE tenant_id = p_tenant_id AND called_at < v_now - interval '1 hour'
      ORDER BY called_at LIMIT 8 FOR UPDATE SKIP LOCKED) old
    WHERE c.tenant_id = p_tenant_id AND c.call_id = old.call_id;
    RETURN NULL;
  END IF;
  SELECT * INTO v_known FROM engine.rpc_calls WHERE tenant_id = p_tenant_id AND call_id = p_call_id;
  IF v_known.function <> p_function THEN
    PERFORM engine.refuse('HF414', 'this id was used for a call of another function');
  ELSIF v_known.answer IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = '40001', MESSAGE = 'the first call of this id left no answer';
  END IF;
  RETURN v_known.answer;
END $$;
COMMENT ON FUNCTION engine.fn_claim_call(uuid, uuid, text) IS 'claims the id of a call over RPC, or gives its answer';
REVOKE ALL ON FUNCTION engine.fn_claim_call(uuid, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_claim_call(uuid, uuid, text) TO holdfast_engine;
