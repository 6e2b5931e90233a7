-- Tells what fn_open_entry or fn_open_exit would answer now, and leaves nothing: it asks that very function and takes
-- everything back, so that a preview can never judge by other rules than the order. A pair of sequence numbers is
-- spent; the rows it locks are free again when it returns.
-- p_item: as fn_open_entry and fn_open_exit take it. Gives their result.
-- Locks: as they do. Writes nothing that stays. Raises HF401, HF403 foreign tenant; HF422 the kind is not entry or exit.
CREATE OR REPLACE FUNCTION engine.fn_preview_order(p_tenant_id uuid, p_kind text, p_item jsonb) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  v_result jsonb;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  BEGIN
    IF p_kind = 'entry' THEN
      v_result := engine.fn_open_entry(p_tenant_id, jsonb_build_array(p_item)) -> 0;
    ELSIF p_kind = 'exit' THEN
      v_result := engine.fn_open_exit(p_tenant_id, jsonb_build_array(p_item)) -> 0;
    ELSE
      PERFORM engine.refuse('HF422', 'the kind is entry or exit', jsonb_build_object('kind', p_kind));
    END IF;
    -- not HF000: a condition that ends in 000 catches its whole class, refusals included
    RAISE EXCEPTION USING ERRCODE = 'HF499', MESSAGE = 'a preview takes everything back';
  EXCEPTION WHEN SQLSTATE 'HF499' THEN
    RETURN v_result;
  END;
END $$;
COMMENT ON FUNCTION engine.fn_preview_order(uuid, text, jsonb) IS 'what opening an order would answer; leaves nothing';
REVOKE ALL ON FUNCTION engine.fn_preview_order(uuid, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_preview_order(uuid, text, jsonb) TO holdfast_engine;
