-- Trigger: holds orders to the transition table; what is filled or booked never falls. A fill may become visible
-- after the cancel or the expiry that it raced with. The same table stands in engine/domain/states.py.
-- Locks and writes nothing. Raises HF409.
CREATE OR REPLACE FUNCTION engine.guard_order() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF NEW.status <> OLD.status AND NOT (CASE OLD.status
      WHEN 'open' THEN true
      WHEN 'canceled' THEN NEW.status = 'filled'
      WHEN 'expired' THEN NEW.status = 'filled'
      ELSE false END) THEN
    RAISE EXCEPTION USING ERRCODE = 'HF409', MESSAGE = 'an order has no such transition',
      DETAIL = jsonb_build_object('intent_id', OLD.intent_id, 'before', OLD.status, 'after', NEW.status)::text;
  END IF;
  IF NEW.filled_quantity < OLD.filled_quantity OR NEW.booked_quantity < OLD.booked_quantity THEN
    RAISE EXCEPTION USING ERRCODE = 'HF409', MESSAGE = 'a filled quantity never falls',
      DETAIL = jsonb_build_object('intent_id', OLD.intent_id, 'before', OLD.filled_quantity,
        'after', NEW.filled_quantity)::text;
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION engine.guard_order() IS 'trigger: transitions and quantities of orders';
REVOKE ALL ON FUNCTION engine.guard_order() FROM PUBLIC;
