-- What remains of a reservation is within its amount, whoever writes.
CREATE OR REPLACE TRIGGER intents_reservation
  BEFORE INSERT OR UPDATE OF reserved_amount, reserved_remaining, released_at ON engine.intents
  FOR EACH ROW EXECUTE FUNCTION engine.guard_reservation();
