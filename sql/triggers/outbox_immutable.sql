-- Of an outbox row only the sequence number may come later, once.
CREATE OR REPLACE TRIGGER outbox_immutable
  BEFORE UPDATE ON engine.outbox
  FOR EACH ROW WHEN (OLD.seq IS NOT NULL
    OR (NEW.tenant_id, NEW.event_id, NEW.profile_id, NEW.intent_id, NEW.type, NEW.payload, NEW.recorded_at)
      IS DISTINCT FROM
       (OLD.tenant_id, OLD.event_id, OLD.profile_id, OLD.intent_id, OLD.type, OLD.payload, OLD.recorded_at))
  EXECUTE FUNCTION engine.refuse_change();
