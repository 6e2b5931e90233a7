-- The feed's numbering per tenant, what of it has gone to the broker, and what failed for good.

-- epoch: which history the numbers are of; a new one begins when a backup has been restored. The sequencer locks this
-- row before it reads the facts that it numbers.
CREATE TABLE engine.tenant_feed (
  tenant_id  uuid PRIMARY KEY REFERENCES engine.tenants,
  epoch      integer NOT NULL DEFAULT 1 CHECK (epoch >= 1),
  last_seq   bigint NOT NULL DEFAULT 0 CHECK (last_seq >= 0)
) WITH (fillfactor = 50);
COMMENT ON COLUMN engine.tenant_feed.last_seq IS 'highest seq given; facts 1 to last_seq are numbered without a gap';
CREATE UNIQUE INDEX facts_by_seq ON engine.facts (tenant_id, seq) WHERE seq IS NOT NULL;

-- How far a tenant's events have been confirmed by the broker, and the claim of the process that publishes them.
CREATE TABLE engine.tenant_relay (
  tenant_id     uuid PRIMARY KEY REFERENCES engine.tenants,
  published_seq bigint NOT NULL DEFAULT 0 CHECK (published_seq >= 0),
  owner         uuid,
  claim_token   bigint NOT NULL DEFAULT 0,
  expires_at    timestamptz,
  failures      integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
  retry_at      timestamptz,
  CHECK ((owner IS NULL) = (expires_at IS NULL))
) WITH (fillfactor = 50);
COMMENT ON COLUMN engine.tenant_relay.failures IS 'how often the event after published_seq was refused by the broker';

-- Requests and events that failed for good, kept with what an operator needs to decide.
CREATE TABLE IF NOT EXISTS engine.dead_letters (
  tenant_id      uuid NOT NULL REFERENCES engine.tenants,
  dead_letter_id uuid NOT NULL,
  direction      text NOT NULL CHECK (direction IN ('in', 'out')),
  source         text NOT NULL,
  payload        jsonb NOT NULL,
  code           text NOT NULL,
  trace          text NOT NULL,
  attempts       integer NOT NULL CHECK (attempts >= 1),
  created_at     timestamptz NOT NULL,
  state          text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'retried', 'dropped')),
  PRIMARY KEY (tenant_id, dead_letter_id)
);
CREATE INDEX IF NOT EXISTS dead_letters_open ON engine.dead_letters (tenant_id, direction) WHERE state = 'open';

-- Dead letters of the relay that an operator wants to be published once more; the row goes when that was tried.
CREATE TABLE engine.relay_retries (
  tenant_id      uuid NOT NULL,
  dead_letter_id uuid NOT NULL,
  requested_at   timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, dead_letter_id),
  FOREIGN KEY (tenant_id, dead_letter_id) REFERENCES engine.dead_letters
);

DO $$
DECLARE
  v_table text;
BEGIN
  FOREACH v_table IN ARRAY ARRAY['tenant_feed', 'tenant_relay', 'dead_letters', 'relay_retries'] LOOP
    EXECUTE format('ALTER TABLE engine.%I ENABLE ROW LEVEL SECURITY', v_table);
    EXECUTE format('ALTER TABLE engine.%I FORCE ROW LEVEL SECURITY', v_table);
    EXECUTE format('GRANT SELECT ON engine.%I TO holdfast_reader', v_table);
  END LOOP;
END $$;

-- The scheduler finds tenants with work; of a fact it needs to know that the feed tells it, and since when it waits.
GRANT SELECT (type, recorded_at) ON engine.facts TO holdfast_scheduler;
GRANT SELECT (tenant_id, epoch, last_seq) ON engine.tenant_feed TO holdfast_scheduler;
GRANT SELECT (tenant_id, published_seq, owner, expires_at, retry_at) ON engine.tenant_relay TO holdfast_scheduler;
GRANT SELECT (tenant_id, dead_letter_id) ON engine.relay_retries TO holdfast_scheduler;
GRANT SELECT (tenant_id, dead_letter_id, direction, state) ON engine.dead_letters TO holdfast_scheduler;
