-- The facts that the feed tells; functions may insert through it. Runs with its reader's rights, so row level
-- security holds.
CREATE OR REPLACE VIEW engine.outbox WITH (security_invoker = true) AS
SELECT tenant_id, event_id, profile_id, intent_id, type, payload, recorded_at, seq
FROM engine.facts WHERE type IS NOT NULL;
COMMENT ON VIEW engine.outbox IS 'events of the feed; seq is NULL until the sequencer has numbered them';
REVOKE ALL ON engine.outbox FROM PUBLIC;
GRANT SELECT ON engine.outbox TO holdfast_reader;
