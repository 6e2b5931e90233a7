-- Trigger: what remains of a reservation is never more than its amount, and nothing once it is released.
-- A trigger and no CHECK, which is read from its text for every statement on the table.
-- Locks and writes nothing. Raises 23514 with the constraint's name remaining_within_amount.
CREATE OR REPLACE FUNCTION engine.guard_reservation() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF NEW.reserved_remaining > (CASE WHEN NEW.released_at IS NULL THEN NEW.reserved_amount ELSE 0 END) THEN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', SCHEMA = 'engine', TABLE = 'intents',
      CONSTRAINT = 'remaining_within_amount', MESSAGE = 'more remains of a reservation than its amount',
      DETAIL = jsonb_build_object('intent_id', NEW.intent_id)::text;
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION engine.guard_reservation() IS 'trigger: what remains of reservations';
REVOKE ALL ON FUNCTION engine.guard_reservation() FROM PUBLIC;
