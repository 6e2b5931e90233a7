-- Keeps the answer of a call over RPC under the id that it claimed in this transaction; the first one stays.
-- Locks and writes the call's row. Raises HF401, HF403 foreign tenant; HF404 the id was not claimed.
CREATE OR REPLACE FUNCTION engine.fn_keep_call(p_tenant_id uuid, p_call_id uuid, p_answer text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  UPDATE engine.rpc_calls SET answer = coalesce(answer, p_answer)
  WHERE tenant_id = p_tenant_id AND call_id = p_call_id;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such call was claimed', jsonb_build_object('call_id', p_call_id));
  END IF;
END $$;
COMMENT ON FUNCTION engine.fn_keep_call(uuid, uuid, text) IS 'keeps the answer of a call over RPC';
REVOKE ALL ON FUNCTION engine.fn_keep_call(uuid, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_keep_call(uuid, uuid, text) TO holdfast_engine;
