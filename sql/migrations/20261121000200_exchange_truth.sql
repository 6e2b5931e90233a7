-- Who may speak for an exchange account, what proved an intent's fate, and what each look at the exchange found.

CREATE DOMAIN engine.verdict AS text CHECK (VALUE IN ('present', 'absent', 'nothing_shown', 'no_evidence', 'operator'));
CREATE DOMAIN engine.mismatch_kind AS text CHECK (VALUE ~ '^[a-z][a-z_]{2,40}$');

-- The engine's processes, whichever tenant they serve: one row each while it lives.
CREATE TABLE engine.engine_instances (
  instance_id uuid PRIMARY KEY,
  name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
  schema_hash text NOT NULL,
  started_at  timestamptz NOT NULL,
  expires_at  timestamptz NOT NULL
);

-- The right of one engine process to run stream, resolver, snapshot and rate budget of an exchange account.
-- holder NULL = free. The token rises with every change of holder. Times are fn_clock()'s.
CREATE TABLE engine.account_leases (
  tenant_id     uuid NOT NULL,
  account_id    uuid NOT NULL,
  holder        uuid,
  fencing_token bigint NOT NULL,
  acquired_at   timestamptz,
  expires_at    timestamptz,
  stage         text NOT NULL DEFAULT 'taken' CHECK (stage IN ('taken', 'read', 'resolved', 'reconciled')),
  stage_reason  text,
  reconciled_at timestamptz,
  PRIMARY KEY (tenant_id, account_id),
  FOREIGN KEY (tenant_id, account_id) REFERENCES engine.exchange_accounts,
  CHECK ((holder IS NULL) = (expires_at IS NULL))
) WITH (fillfactor = 50);
COMMENT ON COLUMN engine.account_leases.stage IS
  'how far its holder has come since it took the lease; other processes open entries only at reconciled';

-- What was asked about an intent, when, and what came back, whole. Rows are never changed.
CREATE TABLE engine.proofs (
  tenant_id         uuid NOT NULL,
  proof_id          bigint NOT NULL,
  intent_id         uuid NOT NULL,
  account_id        uuid NOT NULL,
  verdict           engine.verdict NOT NULL,
  began_at          timestamptz NOT NULL,
  ended_at          timestamptz NOT NULL,
  counts_from       timestamptz,
  fencing_token     bigint,
  actor             text NOT NULL,
  asked             jsonb NOT NULL,
  recorded_at       timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, proof_id),
  CHECK (ended_at >= began_at)
);
CREATE INDEX proofs_by_intent ON engine.proofs (tenant_id, intent_id, proof_id);
COMMENT ON COLUMN engine.proofs.began_at IS 'when the first question was asked, by the exchange''s clock';
COMMENT ON COLUMN engine.proofs.counts_from IS
  'exchange_deadline + exchange timeout + margin: a read that began before it cannot show absence';
COMMENT ON COLUMN engine.proofs.asked IS 'each question with its time and its whole answer';

-- One comparison per profile at a time; the lease's token stands behind it.
CREATE TABLE engine.reconciliation_locks (
  tenant_id     uuid NOT NULL,
  profile_id    uuid NOT NULL,
  holder        uuid,
  fencing_token bigint NOT NULL,
  lease_token   bigint,
  expires_at    timestamptz,
  PRIMARY KEY (tenant_id, profile_id),
  FOREIGN KEY (tenant_id, profile_id) REFERENCES engine.profiles,
  CHECK ((holder IS NULL) = (expires_at IS NULL))
) WITH (fillfactor = 50);

-- How far the trades of a symbol have been read completely.
CREATE TABLE engine.trade_cursors (
  tenant_id         uuid NOT NULL,
  account_id        uuid NOT NULL,
  symbol            text NOT NULL,
  exchange_trade_id text,
  exchange_time     timestamptz NOT NULL,
  updated_at        timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, account_id, symbol)
);

CREATE TABLE engine.reconciliation_passes (
  tenant_id     uuid NOT NULL,
  pass_id       bigint NOT NULL,
  account_id    uuid NOT NULL,
  profile_id    uuid,
  cause         text NOT NULL,
  dry_run       boolean NOT NULL,
  fencing_token bigint,
  began_at      timestamptz NOT NULL,
  finished_at   timestamptz,
  outcome       text CHECK (outcome IN ('clean', 'healed', 'explained', 'open', 'failed')),
  compared      jsonb NOT NULL DEFAULT '{}',
  error         text,
  PRIMARY KEY (tenant_id, pass_id)
);
CREATE INDEX reconciliation_passes_by_account ON engine.reconciliation_passes (tenant_id, account_id, pass_id);
COMMENT ON COLUMN engine.reconciliation_passes.began_at IS
  'database time before the first read: rows touched later are skipped';
COMMENT ON COLUMN engine.reconciliation_passes.fencing_token IS 'of the lease; NULL for a dry run without one';

-- One difference between ledger and exchange, from the pass that saw it first to the one that did not any more.
CREATE TABLE engine.mismatches (
  tenant_id     uuid NOT NULL,
  mismatch_id   bigint NOT NULL,
  account_id    uuid NOT NULL,
  profile_id    uuid,
  intent_id     uuid,
  kind          engine.mismatch_kind NOT NULL,
  key           text NOT NULL,
  state         text NOT NULL CHECK (state IN ('open', 'healed', 'explained', 'assigned')),
  first_pass_id bigint NOT NULL,
  last_pass_id  bigint NOT NULL,
  passes        engine.counter NOT NULL,
  cause         text,
  outcome       text,
  detail        jsonb NOT NULL,
  first_seen_at timestamptz NOT NULL,
  last_seen_at  timestamptz NOT NULL,
  ended_at      timestamptz,
  PRIMARY KEY (tenant_id, mismatch_id)
);
-- One that stands may be explained (a foreign order, an inferred fill): it ends when a pass does not see it any more.
CREATE UNIQUE INDEX mismatches_standing ON engine.mismatches (tenant_id, account_id, kind, key)
  WHERE ended_at IS NULL;
CREATE INDEX mismatches_by_key ON engine.mismatches (tenant_id, account_id, key, mismatch_id);
CREATE INDEX mismatches_by_account ON engine.mismatches (tenant_id, account_id, mismatch_id);

-- A pass somebody asks for: taken up by the holder of the account's lease.
CREATE TABLE engine.reconciliation_requests (
  tenant_id    uuid NOT NULL,
  request_id   uuid NOT NULL,
  account_id   uuid NOT NULL,
  profile_id   uuid,
  dry_run      boolean NOT NULL,
  actor        text NOT NULL,
  requested_at timestamptz NOT NULL,
  pass_id      bigint,
  result       jsonb,
  PRIMARY KEY (tenant_id, request_id)
);
CREATE INDEX reconciliation_requests_open ON engine.reconciliation_requests (tenant_id, account_id)
  WHERE pass_id IS NULL;

-- Trades of orders that are no profile's, as they were booked on the unassigned holding. unsure: it may still turn
-- out to be ours (our tag, or no client order id is known); returned_at: it did, and was taken back.
CREATE TABLE engine.foreign_fills (
  tenant_id         uuid NOT NULL,
  account_id        uuid NOT NULL,
  symbol            text NOT NULL,
  exchange_order_id text NOT NULL,
  exchange_trade_id text NOT NULL,
  client_order_id   text,
  side              engine.side NOT NULL,
  price             engine.exact_positive NOT NULL,
  quantity          engine.exact_positive NOT NULL,
  fee_quantity      engine.exact,
  fee_asset         text,
  maker             boolean,
  unsure            boolean NOT NULL,
  exchange_time     timestamptz NOT NULL,
  recorded_at       timestamptz NOT NULL,
  returned_at       timestamptz,
  PRIMARY KEY (tenant_id, account_id, symbol, exchange_order_id, exchange_trade_id)
);
CREATE INDEX foreign_fills_unsure ON engine.foreign_fills (tenant_id, account_id)
  WHERE unsure AND returned_at IS NULL;

-- One movement of an unassigned holding that a pass explains.
CREATE TYPE engine.foreign_move AS (
  asset  text,
  delta  numeric,
  cause  text,
  key    text,
  reason text
);
-- A trade that a pass was shown, beside what is booked of it, while it is compared.
CREATE TYPE engine.compared_fill AS (
  intent_id         uuid,
  symbol            text,
  exchange_order_id text,
  exchange_trade_id text,
  price             numeric,
  quantity          numeric,
  exchange_time     timestamptz,
  booked_price      numeric,      -- NULL: not booked
  booked_quantity   numeric,
  touched           boolean       -- its order, after the pass began
);
-- An order of ours beside the exchange's report of it, while they are compared.
CREATE TYPE engine.compared_order AS (
  intent_id         uuid,
  symbol            text,
  side              text,
  state             text,
  status            text,         -- NULL: no order yet
  exchange_order_id text,
  reported_before   text,         -- the end that waits for its fills
  quantity          numeric,
  filled            numeric,
  booked            numeric,
  created_at        timestamptz,
  touched           boolean,      -- after the pass began
  shown             boolean,      -- the exchange reported it, perhaps under another exchange order id
  listed            boolean,      -- … and under this one
  shown_order_id    text,
  shown_status      text,
  shown_filled      numeric,
  shown_side        text,
  shown_quantity    numeric
);

-- How much of an inferred fill real trades have replaced by now.
CREATE TABLE engine.inferred_fills (
  tenant_id          uuid NOT NULL,
  intent_id          uuid NOT NULL,
  exchange_trade_id  text NOT NULL,
  quantity           engine.exact_positive NOT NULL,
  replaced_quantity  engine.exact_nonnegative NOT NULL DEFAULT 0,
  replaced_notional  engine.exact_nonnegative NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_id, intent_id, exchange_trade_id),
  CHECK (replaced_quantity <= quantity)
);
CREATE INDEX inferred_fills_open ON engine.inferred_fills (tenant_id) WHERE replaced_quantity < quantity;
CREATE INDEX inferred_fills_unreplaced ON engine.inferred_fills (tenant_id, intent_id)
  WHERE replaced_quantity < quantity;
-- Kept beside the order so that a fill of one without inferred fills asks nobody.
ALTER TABLE engine.orders ADD COLUMN inferred_quantity engine.exact_nonnegative NOT NULL DEFAULT 0;
COMMENT ON COLUMN engine.orders.inferred_quantity IS
  'the part of booked_quantity that only inferred fills stand for until real trades replace them';

DO $$
DECLARE
  v_table text;
BEGIN
  FOREACH v_table IN ARRAY ARRAY['account_leases', 'proofs', 'reconciliation_locks', 'trade_cursors',
    'reconciliation_passes', 'mismatches', 'reconciliation_requests', 'foreign_fills',
    'inferred_fills']
  LOOP
    EXECUTE format('ALTER TABLE engine.%I ENABLE ROW LEVEL SECURITY', v_table);
    EXECUTE format('ALTER TABLE engine.%I FORCE ROW LEVEL SECURITY', v_table);
    EXECUTE format('GRANT SELECT ON engine.%I TO holdfast_reader', v_table);
  END LOOP;
END $$;
GRANT SELECT (tenant_id, account_id, holder, fencing_token, expires_at) ON engine.account_leases
  TO holdfast_scheduler;
GRANT SELECT (tenant_id, profile_id, expires_at) ON engine.reconciliation_locks TO holdfast_scheduler;
