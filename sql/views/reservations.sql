-- What intents have set aside and what remains of it: quote for an entry, base for an exit. Functions may update
-- through it. Runs with its reader's rights, so row level security holds.
CREATE OR REPLACE VIEW engine.reservations WITH (security_invoker = true) AS
SELECT tenant_id, intent_id, profile_id, reserved_unit AS unit, reserved_amount AS amount,
       reserved_remaining AS remaining, released_at
FROM engine.intents WHERE reserved_amount IS NOT NULL;
COMMENT ON VIEW engine.reservations IS 'what intents reserve; released_at says when all of it was given back';
REVOKE ALL ON engine.reservations FROM PUBLIC;
GRANT SELECT ON engine.reservations TO holdfast_reader;
