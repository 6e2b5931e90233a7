-- The facts that moved capital, without their lines. Runs with its reader's rights, so row level security holds.
CREATE OR REPLACE VIEW engine.economic_events WITH (security_invoker = true) AS
SELECT tenant_id, event_id, profile_id, version, economic_type AS type, idempotency_key, intent_id, actor, cause,
       rate_source, spec_version, exchange_time, recorded_at
FROM engine.facts WHERE version IS NOT NULL;
COMMENT ON VIEW engine.economic_events IS 'facts that moved capital; their lines are in journal';
REVOKE ALL ON engine.economic_events FROM PUBLIC;
GRANT SELECT ON engine.economic_events TO holdfast_reader;
