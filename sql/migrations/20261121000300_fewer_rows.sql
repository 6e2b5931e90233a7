-- Fewer rows for one fact: an intent carries its reservation and is its entry lock, and an economic event carries
-- its journal lines and what the feed says of it. Views keep the old names for reading. Existing rows move over.

DROP VIEW IF EXISTS engine.ledger_entries;
-- The owner is held to row level security too; these are moved for all tenants at once.
ALTER TABLE engine.intents NO FORCE ROW LEVEL SECURITY;
ALTER TABLE engine.reservations NO FORCE ROW LEVEL SECURITY;
ALTER TABLE engine.outbox NO FORCE ROW LEVEL SECURITY;
ALTER TABLE engine.economic_events NO FORCE ROW LEVEL SECURITY;
ALTER TABLE engine.journal NO FORCE ROW LEVEL SECURITY;

-- What an intent has set aside and what remains of it: quote for an entry, base for an exit. NULL: nothing.
ALTER TABLE engine.intents
  ADD COLUMN reserved_unit      engine.reservation_unit,
  ADD COLUMN reserved_amount    engine.exact_positive,
  ADD COLUMN reserved_remaining engine.exact_nonnegative,
  ADD COLUMN released_at        timestamptz;
UPDATE engine.intents i SET reserved_unit = r.unit, reserved_amount = r.amount, reserved_remaining = r.remaining,
  released_at = r.released_at
FROM engine.reservations r WHERE r.tenant_id = i.tenant_id AND r.intent_id = i.intent_id;
ALTER TABLE engine.intents ADD CONSTRAINT remaining_within_amount CHECK
  (reserved_remaining <= CASE WHEN released_at IS NULL THEN reserved_amount ELSE 0 END);
CREATE INDEX intents_held ON engine.intents (tenant_id, profile_id, symbol) WHERE released_at IS NULL;
DROP TABLE engine.reservations;

-- The entry lock: one unresolved entry per profile and symbol. Owner, fencing token and expiry are its intent's.
CREATE UNIQUE INDEX intents_entry_lock ON engine.intents (tenant_id, profile_id, symbol)
  WHERE kind = 'entry' AND state IN ('sending', 'in_doubt', 'needs_operator');
DROP TABLE engine.entry_locks;

-- A key names the intent it was used for, denied or not: the denial alone says which. So no row needs a CHECK, which
-- is read again for every statement.
ALTER TABLE engine.idempotency_keys NO FORCE ROW LEVEL SECURITY;
ALTER TABLE engine.idempotency_keys DROP CONSTRAINT idempotency_keys_check;
UPDATE engine.idempotency_keys SET intent_id = '00000000-0000-0000-0000-000000000000' WHERE intent_id IS NULL;
ALTER TABLE engine.idempotency_keys ALTER COLUMN intent_id SET NOT NULL;
ALTER TABLE engine.idempotency_keys FORCE ROW LEVEL SECURITY;
COMMENT ON COLUMN engine.idempotency_keys.intent_id IS
  'the intent it was used for; it was never made if there is a denial';

-- One movement of an amount from one ledger account to another: it cannot be out of balance.
CREATE TYPE engine.journal_row AS (
  debit_account  engine.ledger_account,
  credit_account engine.ledger_account,
  amount         engine.exact_positive,
  debit_balance  engine.exact,
  credit_balance engine.exact
);
CREATE DOMAIN engine.journal_line AS engine.journal_row
  CONSTRAINT two_accounts CHECK (VALUE IS NOT NULL AND (VALUE).debit_account <> (VALUE).credit_account);
CREATE DOMAIN engine.journal_lines AS engine.journal_line[] CHECK (cardinality(VALUE) >= 1);

-- Every fact, in the transaction that made it one: an economic event (version and lines), an event of the feed
-- (type and payload), or both in one row. seq is given later by the sequencer.
CREATE TABLE engine.facts (
  tenant_id       uuid NOT NULL,
  event_id        bigint NOT NULL,
  part            smallint NOT NULL DEFAULT 1,
  profile_id      uuid,
  intent_id       uuid,
  recorded_at     timestamptz NOT NULL,
  type            text,
  payload         jsonb,
  seq             bigint,
  version         bigint,
  economic_type   engine.event_type,
  idempotency_key text,
  actor           text,
  cause           text,
  rate_source     text,
  spec_version    integer,
  exchange_time   timestamptz,
  lines           engine.journal_lines,
  PRIMARY KEY (tenant_id, event_id, part)
) WITH (fillfactor = 80);
COMMENT ON COLUMN engine.facts.part IS
  '0: an economic event, with what the feed says of it; 1: only for the feed, under an event id of its own or that event''s';
INSERT INTO engine.facts (tenant_id, event_id, part, profile_id, intent_id, recorded_at, type, payload, seq, version,
  economic_type, idempotency_key, actor, cause, rate_source, spec_version, exchange_time, lines)
SELECT e.tenant_id, e.event_id, 0, e.profile_id, coalesce(e.intent_id, o.intent_id), e.recorded_at, o.type, o.payload,
  o.seq, e.version, e.type, e.idempotency_key, e.actor, e.cause, e.rate_source, e.spec_version, e.exchange_time,
  (SELECT array_agg(ROW(j.debit_account, j.credit_account, j.amount, j.debit_balance,
     j.credit_balance)::engine.journal_line ORDER BY j.line)
   FROM engine.journal j WHERE j.tenant_id = e.tenant_id AND j.event_id = e.event_id)
FROM engine.economic_events e LEFT JOIN engine.outbox o USING (tenant_id, event_id);
INSERT INTO engine.facts (tenant_id, event_id, profile_id, intent_id, recorded_at, type, payload, seq)
SELECT tenant_id, event_id, profile_id, intent_id, recorded_at, type, payload, seq FROM engine.outbox o
WHERE NOT EXISTS (SELECT FROM engine.economic_events e WHERE e.tenant_id = o.tenant_id AND e.event_id = o.event_id);
CREATE UNIQUE INDEX facts_version ON engine.facts (tenant_id, profile_id, version) WHERE version IS NOT NULL;
CREATE UNIQUE INDEX facts_idempotency ON engine.facts (tenant_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX facts_unsequenced ON engine.facts (tenant_id, event_id) WHERE seq IS NULL AND type IS NOT NULL;
CREATE INDEX facts_by_intent ON engine.facts (tenant_id, intent_id, event_id) WHERE intent_id IS NOT NULL;
DROP TABLE engine.journal, engine.economic_events, engine.outbox;

ALTER TABLE engine.intents FORCE ROW LEVEL SECURITY;
ALTER TABLE engine.facts ENABLE ROW LEVEL SECURITY;
ALTER TABLE engine.facts FORCE ROW LEVEL SECURITY;
GRANT SELECT ON engine.facts TO holdfast_reader;
GRANT SELECT (tenant_id, event_id, seq) ON engine.facts TO holdfast_scheduler;
GRANT SELECT (profile_id, symbol, kind) ON engine.intents TO holdfast_scheduler;  -- what it saw of entry locks
