-- Trigger: of a fact only the sequence number may come later, once; corrections are new facts.
-- Locks and writes nothing. Raises HF411.
CREATE OR REPLACE FUNCTION engine.guard_fact() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF OLD.seq IS NOT NULL
    OR (NEW.tenant_id, NEW.event_id, NEW.part, NEW.profile_id, NEW.intent_id, NEW.recorded_at, NEW.type, NEW.payload,
        NEW.version, NEW.economic_type, NEW.idempotency_key, NEW.actor, NEW.cause, NEW.rate_source, NEW.spec_version,
        NEW.exchange_time, NEW.lines::text)
      IS DISTINCT FROM
       (OLD.tenant_id, OLD.event_id, OLD.part, OLD.profile_id, OLD.intent_id, OLD.recorded_at, OLD.type, OLD.payload,
        OLD.version, OLD.economic_type, OLD.idempotency_key, OLD.actor, OLD.cause, OLD.rate_source, OLD.spec_version,
        OLD.exchange_time, OLD.lines::text) THEN
    RAISE EXCEPTION USING ERRCODE = 'HF411', MESSAGE = 'facts is immutable; UPDATE is refused';
  END IF;
  RETURN NEW;
END $$;
COMMENT ON FUNCTION engine.guard_fact() IS 'trigger: facts are never changed';
REVOKE ALL ON FUNCTION engine.guard_fact() FROM PUBLIC;
