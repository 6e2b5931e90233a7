-- Reads one intent by the id we send to the exchange. Locks nothing, writes nothing.
-- Raises HF403 foreign tenant; HF404 no such order.
CREATE OR REPLACE FUNCTION engine.fn_get_order_by_client_id(p_tenant_id uuid, p_client_order_id text)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_view jsonb;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  SELECT engine.intent_view(i) INTO v_view FROM engine.intents i
    WHERE i.tenant_id = p_tenant_id AND i.client_order_id = p_client_order_id;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such order', jsonb_build_object('client_order_id', p_client_order_id));
  END IF;
  RETURN v_view;
END
$$;
COMMENT ON FUNCTION engine.fn_get_order_by_client_id IS
  'One intent with its order, by client order id.';
REVOKE ALL ON FUNCTION engine.fn_get_order_by_client_id FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_get_order_by_client_id TO holdfast_engine, holdfast_operator, holdfast_reader;
