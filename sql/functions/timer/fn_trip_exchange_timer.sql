-- Turns the exchange's timer of an account off because a stream showed an order or fill of a stranger. A fact: it
-- needs no token. An order that is ours by now trips nothing; one that is off, or was never on, stays as it is.
-- Locks and writes the timer; writes outbox, audit if it was on. Raises HF403 foreign tenant; HF422 a sign without
-- symbol and exchange_order_id.
CREATE OR REPLACE FUNCTION engine.fn_trip_exchange_timer(p_tenant_id uuid, p_account_id uuid, p_sign jsonb)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  PERFORM engine.checked_text(p_sign ->> 'symbol', 'symbol'),
    engine.checked_text(p_sign ->> 'exchange_order_id', 'exchange_order_id');
  IF EXISTS (SELECT FROM engine.orders o WHERE o.tenant_id = p_tenant_id AND o.account_id = p_account_id
             AND o.symbol = p_sign ->> 'symbol' AND o.exchange_order_id = p_sign ->> 'exchange_order_id') THEN
    RETURN '{"tripped": false}';
  END IF;
  RETURN jsonb_build_object('tripped',
    engine.trip_exchange_timer(p_tenant_id, p_account_id, p_sign, engine.fn_clock()));
END
$$;
COMMENT ON FUNCTION engine.fn_trip_exchange_timer IS
  'Turns the exchange''s timer of an account off: a stream showed a stranger; gives {tripped}.';
REVOKE ALL ON FUNCTION engine.fn_trip_exchange_timer FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_trip_exchange_timer TO holdfast_engine;
