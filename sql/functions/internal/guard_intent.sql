-- Trigger: holds intents to the transition table. What an intent is never changes; rejected and not_placed may
-- still be proven wrong by the exchange. The same table stands in engine/domain/states.py.
-- Locks and writes nothing. Raises HF409.
CREATE OR REPLACE FUNCTION engine.guard_intent() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF NOT (CASE OLD.state
      WHEN 'sending' THEN NEW.state IN ('confirmed', 'rejected', 'not_placed', 'in_doubt')
      WHEN 'in_doubt' THEN NEW.state IN ('confirmed', 'rejected', 'not_placed', 'needs_operator')
      WHEN 'needs_operator' THEN NEW.state IN ('confirmed', 'rejected', 'not_placed')
      WHEN 'rejected' THEN NEW.state = 'confirmed'
      WHEN 'not_placed' THEN NEW.state = 'confirmed'
      ELSE false END) THEN
    RAISE EXCEPTION USING ERRCODE = 'HF409', MESSAGE = 'an intent has no such transition',
      DETAIL = jsonb_build_object('intent_id', OLD.intent_id, 'before', OLD.state, 'after', NEW.state)::text;
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION engine.guard_intent() IS 'trigger: transitions of intents';
REVOKE ALL ON FUNCTION engine.guard_intent() FROM PUBLIC;
