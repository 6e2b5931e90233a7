-- Reads one intent with its order. Locks nothing, writes nothing. Raises HF403 foreign tenant; HF404 no such order.
CREATE OR REPLACE FUNCTION engine.fn_get_order(p_tenant_id uuid, p_intent_id uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_view jsonb;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  SELECT engine.intent_view(i) INTO v_view FROM engine.intents i
    WHERE i.tenant_id = p_tenant_id AND i.intent_id = p_intent_id;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such order', jsonb_build_object('order_id', p_intent_id));
  END IF;
  RETURN v_view;
END
$$;
COMMENT ON FUNCTION engine.fn_get_order IS
  'One intent with its order.';
REVOKE ALL ON FUNCTION engine.fn_get_order FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_get_order TO holdfast_engine, holdfast_operator, holdfast_reader;
