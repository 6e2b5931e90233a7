-- The events of the feed that have their place in it; payloads hold numbers as text already.
-- For dashboards, over HTTP. Runs with its reader's rights, so row level security holds.
CREATE VIEW holdfast_api.events WITH (security_invoker = true) AS
SELECT tenant_id, seq, event_id, type, profile_id, intent_id, payload, recorded_at
FROM engine.facts
WHERE type IS NOT NULL AND seq IS NOT NULL;
COMMENT ON VIEW holdfast_api.events IS 'the events of the feed that have their place in it';
REVOKE ALL ON holdfast_api.events FROM PUBLIC;
GRANT SELECT ON holdfast_api.events TO holdfast_reader;
