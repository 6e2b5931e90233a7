-- What holds a reservation's remainder within its amount becomes a trigger, engine.guard_reservation. A table's CHECK
-- is read from its text again for every statement on the table, also for those that change no reservation.
ALTER TABLE engine.intents DROP CONSTRAINT remaining_within_amount;
