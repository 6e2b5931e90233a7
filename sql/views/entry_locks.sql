-- Held entry locks: the unresolved entries, one per profile and symbol (unique index intents_entry_lock).
-- Runs with its reader's rights, so row level security holds.
CREATE OR REPLACE VIEW engine.entry_locks WITH (security_invoker = true) AS
SELECT tenant_id, profile_id, symbol, intent_id, owner, fencing_token, created_at AS acquired_at, expires_at
FROM engine.intents WHERE kind = 'entry' AND state IN ('sending', 'in_doubt', 'needs_operator');
COMMENT ON VIEW engine.entry_locks IS 'held entry locks; ending the intent frees its lock';
REVOKE ALL ON engine.entry_locks FROM PUBLIC;
GRANT SELECT ON engine.entry_locks TO holdfast_reader;
