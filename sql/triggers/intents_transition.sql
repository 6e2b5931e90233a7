-- Illegal transitions of intents are impossible, whoever writes.
CREATE OR REPLACE TRIGGER intents_transition
  BEFORE UPDATE OF state ON engine.intents
  FOR EACH ROW WHEN (NEW.state <> OLD.state) EXECUTE FUNCTION engine.guard_intent();
