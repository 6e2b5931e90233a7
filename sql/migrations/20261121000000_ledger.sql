-- Tenants, accounts, profiles and the capital ledger: every table of the first release.
-- tenant_id stands first in every key. Foreign keys are kept on slow tables only; the append path
-- (intents, events, journal, fills, outbox) is written by functions alone and verified by the gate.

CREATE DOMAIN engine.exact AS numeric
  CHECK (VALUE > -1e20 AND VALUE < 1e20 AND VALUE = trunc(VALUE, 18));
COMMENT ON DOMAIN engine.exact IS 'numeric(38,18) that refuses excess scale, NaN and infinity instead of rounding';
CREATE DOMAIN engine.exact_nonnegative AS numeric
  CHECK (VALUE >= 0 AND VALUE < 1e20 AND VALUE = trunc(VALUE, 18));
CREATE DOMAIN engine.exact_positive AS numeric
  CHECK (VALUE > 0 AND VALUE < 1e20 AND VALUE = trunc(VALUE, 18));
CREATE DOMAIN engine.name AS text CHECK (VALUE ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$');
-- Closed sets of the append path are domains, not CHECKs: a session keeps a domain's check ready, a table's
-- is read again for every statement (measured: 8 µs each, a quarter of opening an entry). What compares columns
-- stays a CHECK, one per table where it can.
CREATE DOMAIN engine.order_kind AS text CHECK (VALUE IN ('entry', 'exit'));
CREATE DOMAIN engine.side AS text CHECK (VALUE IN ('buy', 'sell'));
CREATE DOMAIN engine.order_type AS text CHECK (VALUE IN ('limit', 'market'));
CREATE DOMAIN engine.time_in_force AS text CHECK (VALUE IN ('GTC', 'IOC', 'FOK'));
CREATE DOMAIN engine.event_type AS text CHECK (VALUE IN ('allocate', 'withdraw', 'reserve', 'release', 'entry_fill',
  'exit_fill', 'fee_valued', 'dust', 'dust_returned', 'adjustment', 'fill_correction'));
CREATE DOMAIN engine.ledger_account AS text CHECK (VALUE IN ('CAPITAL', 'AVAILABLE', 'RESERVED_FOR_ORDERS',
  'RESERVED_FOR_POSITIONS', 'DUST', 'TRADING_PNL', 'FEES'));
CREATE DOMAIN engine.mode AS text CHECK (VALUE IN ('active', 'reducing', 'halted'));
CREATE DOMAIN engine.intent_state AS text CHECK (VALUE IN
  ('sending', 'confirmed', 'rejected', 'not_placed', 'in_doubt', 'needs_operator'));
CREATE DOMAIN engine.order_status AS text CHECK (VALUE IN ('open', 'filled', 'canceled', 'expired', 'rejected'));
CREATE DOMAIN engine.order_end AS text CHECK (VALUE IN ('filled', 'canceled', 'expired', 'rejected'));
CREATE DOMAIN engine.reservation_unit AS text CHECK (VALUE IN ('quote', 'base'));
CREATE DOMAIN engine.idempotency_key AS text CHECK (length(VALUE) BETWEEN 1 AND 128);
CREATE DOMAIN engine.label AS text CHECK (length(VALUE) <= 64);
CREATE DOMAIN engine.line_number AS smallint CHECK (VALUE >= 1);
CREATE DOMAIN engine.counter AS integer CHECK (VALUE >= 0);

CREATE SEQUENCE engine.event_ids CACHE 1;
CREATE SEQUENCE engine.fencing_tokens CACHE 1;

-- The engine's own settings: one row.
CREATE TABLE engine.engine_settings (
  only_row            boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  mode                engine.mode NOT NULL DEFAULT 'active',
  mode_reason         text,
  strict_idempotency  boolean NOT NULL DEFAULT true,
  installation_tag    text NOT NULL CHECK (installation_tag ~ '^[a-z][a-z2-7]{3}$')
);

CREATE TABLE engine.tenants (
  tenant_id   uuid PRIMARY KEY,
  name        engine.name NOT NULL UNIQUE,
  mode        engine.mode NOT NULL DEFAULT 'active',
  mode_reason text,
  created_at  timestamptz NOT NULL
);

CREATE TABLE engine.robots (
  tenant_id  uuid NOT NULL REFERENCES engine.tenants,
  robot_id   uuid NOT NULL,
  name       engine.name NOT NULL,
  enabled    boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, robot_id),
  UNIQUE (tenant_id, name)
);

CREATE TABLE engine.robot_keys (
  tenant_id  uuid NOT NULL,
  key_id     uuid NOT NULL,
  robot_id   uuid NOT NULL,
  key_hash   bytea NOT NULL CHECK (length(key_hash) = 32),
  created_at timestamptz NOT NULL,
  revoked_at timestamptz,
  PRIMARY KEY (tenant_id, key_id),
  UNIQUE (tenant_id, key_hash),
  FOREIGN KEY (tenant_id, robot_id) REFERENCES engine.robots
);
CREATE INDEX robot_keys_by_hash ON engine.robot_keys (key_hash) WHERE revoked_at IS NULL;

-- Which real account belongs to an installation's tenant: the one registry without tenant_id.
CREATE TABLE engine.exchange_account_registry (
  exchange             text NOT NULL,
  exchange_account_uid text NOT NULL,
  account_id           uuid NOT NULL UNIQUE,
  registered_at        timestamptz NOT NULL,
  PRIMARY KEY (exchange, exchange_account_uid)
);

CREATE TABLE engine.exchange_accounts (
  tenant_id            uuid NOT NULL REFERENCES engine.tenants,
  account_id           uuid NOT NULL,
  name                 engine.name NOT NULL,
  exchange             text NOT NULL,
  exchange_account_uid text NOT NULL,
  tier                 text NOT NULL CHECK (tier IN ('A', 'B', 'C')),
  urls                 jsonb NOT NULL DEFAULT '{}',
  credentials          bytea NOT NULL,
  mode                 engine.mode NOT NULL DEFAULT 'active',
  mode_reason          text,
  created_at           timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, account_id),
  UNIQUE (tenant_id, name)
);
COMMENT ON COLUMN engine.exchange_accounts.credentials IS 'encrypted with a key that is not in the database';

CREATE TABLE engine.instruments (
  tenant_id      uuid NOT NULL,
  account_id     uuid NOT NULL,
  symbol         text NOT NULL,
  base_asset     text NOT NULL,
  quote_asset    text NOT NULL,
  tick_size      engine.exact_positive NOT NULL,
  lot_size       engine.exact_positive NOT NULL,
  min_quantity   engine.exact_nonnegative NOT NULL,
  max_quantity   engine.exact_positive,
  min_notional   engine.exact_nonnegative NOT NULL,
  max_notional   engine.exact_positive,
  maker_fee_rate engine.exact NOT NULL,
  taker_fee_rate engine.exact NOT NULL,
  active         boolean NOT NULL,
  updated_at     timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, account_id, symbol),
  FOREIGN KEY (tenant_id, account_id) REFERENCES engine.exchange_accounts
);

-- What of an exchange account belongs to no profile: a figure and the events that explain it.
CREATE TABLE engine.unassigned_holdings (
  tenant_id  uuid NOT NULL,
  account_id uuid NOT NULL,
  asset      text NOT NULL,
  quantity   engine.exact NOT NULL,
  PRIMARY KEY (tenant_id, account_id, asset),
  FOREIGN KEY (tenant_id, account_id) REFERENCES engine.exchange_accounts
);
CREATE TABLE engine.unassigned_events (
  tenant_id       uuid NOT NULL,
  event_id        bigint NOT NULL,
  account_id      uuid NOT NULL,
  asset           text NOT NULL,
  delta           engine.exact NOT NULL,
  balance         engine.exact NOT NULL,
  cause           text NOT NULL CHECK (cause IN ('baseline', 'allocate', 'withdraw', 'deposit', 'withdrawal',
                    'foreign_fill', 'third_asset_fee', 'fee_value', 'uncovered', 'adjustment')),
  idempotency_key text NOT NULL,
  actor           text NOT NULL,
  reason          text,
  recorded_at     timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, event_id),
  UNIQUE (tenant_id, idempotency_key)
);

CREATE TABLE engine.profiles (
  tenant_id    uuid NOT NULL,
  profile_id   uuid NOT NULL,
  account_id   uuid NOT NULL,
  name         engine.name NOT NULL,
  quote_asset  text NOT NULL,
  spec_version integer NOT NULL CHECK (spec_version >= 1),
  created_at   timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, profile_id),
  UNIQUE (tenant_id, name),
  FOREIGN KEY (tenant_id, account_id) REFERENCES engine.exchange_accounts
);
CREATE TABLE engine.profile_specs (
  tenant_id  uuid NOT NULL,
  profile_id uuid NOT NULL,
  version    integer NOT NULL CHECK (version >= 1),
  spec       jsonb NOT NULL CHECK (octet_length(spec::text) <= 524288),
  spec_hash  text NOT NULL,
  actor      text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, profile_id, version),
  FOREIGN KEY (tenant_id, profile_id) REFERENCES engine.profiles
);

-- The hot row: the balances of a profile's seven ledger accounts, its mode and its event version.
CREATE TABLE engine.profile_capital (
  tenant_id              uuid NOT NULL,
  profile_id             uuid NOT NULL,
  allocated              engine.exact NOT NULL DEFAULT 0, -- below zero once more profit was withdrawn than put in
  available              engine.exact NOT NULL DEFAULT 0,
  reserved_for_orders    engine.exact_nonnegative NOT NULL DEFAULT 0,
  reserved_for_positions engine.exact_nonnegative NOT NULL DEFAULT 0,
  dust                   engine.exact_nonnegative NOT NULL DEFAULT 0,
  trading_pnl            engine.exact NOT NULL DEFAULT 0,
  fees                   engine.exact NOT NULL DEFAULT 0,
  mode                   engine.mode NOT NULL DEFAULT 'active',
  mode_reason            text,
  version                bigint NOT NULL DEFAULT 0,
  updated_at             timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, profile_id),
  FOREIGN KEY (tenant_id, profile_id) REFERENCES engine.profiles,
  CONSTRAINT available_is_the_formula CHECK
    (available = allocated - reserved_for_orders - (reserved_for_positions + dust) + (trading_pnl - fees)),
  CONSTRAINT active_profile_is_covered CHECK (available >= 0 OR mode <> 'active')
) WITH (fillfactor = 50);

CREATE TABLE engine.economic_events (
  tenant_id       uuid NOT NULL,
  event_id        bigint NOT NULL,
  profile_id      uuid NOT NULL,
  version         bigint NOT NULL,
  type            engine.event_type NOT NULL,
  idempotency_key text NOT NULL,
  intent_id       uuid,
  actor           text NOT NULL,
  cause           text,
  rate_source     text,
  spec_version    integer NOT NULL,
  exchange_time   timestamptz,
  recorded_at     timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, event_id),
  UNIQUE (tenant_id, profile_id, version)
);
CREATE UNIQUE INDEX economic_events_idempotency ON engine.economic_events (tenant_id, idempotency_key);

-- One row moves one amount from one ledger account to another: it cannot be out of balance.
-- The view ledger_entries shows its two legs.
CREATE TABLE engine.journal (
  tenant_id      uuid NOT NULL,
  event_id       bigint NOT NULL,
  line           engine.line_number NOT NULL,
  profile_id     uuid NOT NULL,
  debit_account  engine.ledger_account NOT NULL,
  credit_account engine.ledger_account NOT NULL,
  amount         engine.exact_positive NOT NULL,
  debit_balance  engine.exact NOT NULL,
  credit_balance engine.exact NOT NULL,
  PRIMARY KEY (tenant_id, event_id, line),
  CONSTRAINT two_accounts CHECK (debit_account <> credit_account)
);
CREATE INDEX journal_by_profile ON engine.journal (tenant_id, profile_id, event_id);

CREATE TABLE engine.idempotency_keys (
  tenant_id    uuid NOT NULL,
  robot_id     uuid NOT NULL,
  key          engine.idempotency_key NOT NULL,
  request_hash text NOT NULL,
  intent_id    uuid,
  denial       jsonb,
  created_at   timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, robot_id, key),
  CHECK ((intent_id IS NULL) <> (denial IS NULL))
);

-- The write-ahead record: what a robot asked for, durable before anything is sent.
CREATE TABLE engine.intents (
  tenant_id           uuid NOT NULL,
  intent_id           uuid NOT NULL,
  profile_id          uuid NOT NULL,
  account_id          uuid NOT NULL,
  robot_id            uuid NOT NULL,
  kind                engine.order_kind NOT NULL,
  symbol              text NOT NULL,
  side                engine.side NOT NULL,
  type                engine.order_type NOT NULL,
  quantity            engine.exact_positive NOT NULL,
  limit_price         engine.exact_positive,
  time_in_force       engine.time_in_force NOT NULL,
  post_only           boolean NOT NULL,
  label               engine.label,
  client_order_id     text NOT NULL,
  state               engine.intent_state NOT NULL,
  owner               uuid NOT NULL,
  fencing_token       bigint NOT NULL,
  expires_at          timestamptz NOT NULL,
  exchange_deadline   timestamptz NOT NULL,
  cancel_requested_at timestamptz,
  cancel_actor        text,
  exchange_order_id   text,
  reason_code         text,
  reason              text,
  evidence            jsonb,
  spec_version        integer NOT NULL,
  created_at          timestamptz NOT NULL,
  updated_at          timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, intent_id),
  UNIQUE (tenant_id, client_order_id)
) WITH (fillfactor = 70);
CREATE INDEX intents_unresolved ON engine.intents (expires_at)
  WHERE state IN ('sending', 'in_doubt', 'needs_operator');
CREATE INDEX intents_by_profile ON engine.intents (tenant_id, profile_id, intent_id);

-- One item of an array of entries or exits while it is decided: what was asked, what was found, the answer.
CREATE TYPE engine.intent_plan AS (
  item              integer,
  robot_id          uuid,
  profile_id        uuid,
  key               text,
  request_hash      text,
  intent_id         uuid,
  client_order_id   text,
  symbol            text,
  type              text,
  quantity          numeric,
  limit_price       numeric,
  time_in_force     text,
  post_only         boolean,
  label             text,
  owner             uuid,
  expires_at        timestamptz,
  exchange_deadline timestamptz,
  price_at          timestamptz,
  account_id        uuid,
  spec_version      integer,
  fencing_token     bigint,
  required          numeric,      -- what it reserves: quote for an entry, base for an exit
  reserved          numeric,      -- reserved_for_orders after it
  available         numeric,      -- available after it
  version           bigint,
  event_id          bigint,
  result            jsonb         -- NULL while nothing speaks against it
);

-- What an intent has set aside and what remains of it: quote for an entry, base for an exit.
CREATE TABLE engine.reservations (
  tenant_id   uuid NOT NULL,
  intent_id   uuid NOT NULL,
  profile_id  uuid NOT NULL,
  unit        engine.reservation_unit NOT NULL,
  amount      engine.exact_positive NOT NULL,
  remaining   engine.exact_nonnegative NOT NULL,
  released_at timestamptz,
  PRIMARY KEY (tenant_id, intent_id),
  CONSTRAINT remaining_within_amount CHECK (remaining <= CASE WHEN released_at IS NULL THEN amount ELSE 0 END)
) WITH (fillfactor = 70);
CREATE INDEX reservations_held ON engine.reservations (tenant_id, profile_id) WHERE released_at IS NULL;

-- The entry lock: one entry per profile and symbol at a time. intent_id NULL = free.
CREATE TABLE engine.entry_locks (
  tenant_id     uuid NOT NULL,
  profile_id    uuid NOT NULL,
  symbol        text NOT NULL,
  intent_id     uuid,
  owner         uuid,
  fencing_token bigint NOT NULL,
  acquired_at   timestamptz,
  expires_at    timestamptz,
  PRIMARY KEY (tenant_id, profile_id, symbol),
  CHECK ((intent_id IS NULL) = (expires_at IS NULL))
) WITH (fillfactor = 50);

-- A confirmed order; its id is its intent's.
CREATE TABLE engine.orders (
  tenant_id         uuid NOT NULL,
  intent_id         uuid NOT NULL,
  profile_id        uuid NOT NULL,
  account_id        uuid NOT NULL,
  kind              engine.order_kind NOT NULL,
  symbol            text NOT NULL,
  side              engine.side NOT NULL,
  client_order_id   text NOT NULL,
  exchange_order_id text NOT NULL,
  status            engine.order_status NOT NULL,
  unconfirmed       boolean NOT NULL DEFAULT false,
  reported_status   engine.order_end,
  quantity          engine.exact_positive NOT NULL,
  filled_quantity   engine.exact_nonnegative NOT NULL DEFAULT 0,
  booked_quantity   engine.exact_nonnegative NOT NULL DEFAULT 0,
  booked_notional   engine.exact_nonnegative NOT NULL DEFAULT 0,
  unvalued_fees     engine.counter NOT NULL DEFAULT 0,
  exchange_time     timestamptz,
  finished_at       timestamptz,
  created_at        timestamptz NOT NULL,
  updated_at        timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, intent_id),
  UNIQUE (tenant_id, account_id, symbol, exchange_order_id),
  CONSTRAINT booked_is_filled CHECK (booked_quantity <= filled_quantity AND (NOT unconfirmed OR status = 'open'))
) WITH (fillfactor = 70);
CREATE INDEX orders_open ON engine.orders (tenant_id, account_id, symbol) WHERE status = 'open';
COMMENT ON COLUMN engine.orders.reported_status IS
  'terminal status the exchange reported while fills are still missing; applied when they are booked';
COMMENT ON COLUMN engine.orders.booked_quantity IS 'sum of its fills; filled_quantity is the most the exchange reported';

CREATE TABLE engine.fills (
  tenant_id         uuid NOT NULL,
  account_id        uuid NOT NULL,
  symbol            text NOT NULL,
  exchange_order_id text NOT NULL,
  exchange_trade_id text NOT NULL,
  intent_id         uuid NOT NULL,
  profile_id        uuid NOT NULL,
  event_id          bigint NOT NULL,
  side              engine.side NOT NULL,
  price             engine.exact_positive NOT NULL,
  quantity          engine.exact_positive NOT NULL,
  notional          engine.exact_positive NOT NULL,
  fee_asset         text,
  fee_quantity      engine.exact NOT NULL DEFAULT 0,
  fee_value         engine.exact,
  fee_rate          engine.exact_positive,
  rate_source       text,
  maker             boolean,
  inferred          boolean NOT NULL DEFAULT false,
  superseded_at     timestamptz,
  source            text NOT NULL,
  exchange_time     timestamptz NOT NULL,
  recorded_at       timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, account_id, symbol, exchange_order_id, exchange_trade_id)
);
CREATE INDEX fills_by_intent ON engine.fills (tenant_id, intent_id);
COMMENT ON COLUMN engine.fills.fee_value IS 'fee in the profile''s quote asset; NULL = not valued yet';
COMMENT ON COLUMN engine.fills.fee_rate IS 'quote per unit of fee_asset when it is a third asset';

-- Fills whose order the ledger does not know yet; drained by persist and by each pass.
CREATE TABLE engine.unmatched_fills (
  tenant_id         uuid NOT NULL,
  account_id        uuid NOT NULL,
  symbol            text NOT NULL,
  exchange_order_id text NOT NULL,
  exchange_trade_id text NOT NULL,
  fill              jsonb NOT NULL,
  received_at       timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, account_id, symbol, exchange_order_id, exchange_trade_id)
);

CREATE TABLE engine.positions (
  tenant_id         uuid NOT NULL,
  profile_id        uuid NOT NULL,
  symbol            text NOT NULL,
  account_id        uuid NOT NULL,
  base_asset        text NOT NULL,
  quantity          engine.exact_nonnegative NOT NULL DEFAULT 0,
  cost              engine.exact_nonnegative NOT NULL DEFAULT 0,
  reserved_quantity engine.exact_nonnegative NOT NULL DEFAULT 0,
  is_dust           boolean NOT NULL DEFAULT false,
  last_fill_price   engine.exact_positive,
  opened_at         timestamptz,
  bought_quantity   engine.exact_nonnegative NOT NULL DEFAULT 0,
  bought_notional   engine.exact_nonnegative NOT NULL DEFAULT 0,
  sold_quantity     engine.exact_nonnegative NOT NULL DEFAULT 0,
  sold_notional     engine.exact_nonnegative NOT NULL DEFAULT 0,
  trip_fees         engine.exact NOT NULL DEFAULT 0,
  trip_pnl          engine.exact NOT NULL DEFAULT 0,
  updated_at        timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, profile_id, symbol),
  CHECK (quantity > 0 OR cost = 0)
) WITH (fillfactor = 70);
COMMENT ON COLUMN engine.positions.cost IS 'in quote; lies in RESERVED_FOR_POSITIONS, or in DUST while is_dust';
COMMENT ON COLUMN engine.positions.bought_quantity IS 'since opened_at, as are the next five: the round trip in progress';

CREATE TABLE engine.trade_history (
  tenant_id       uuid NOT NULL,
  event_id        bigint NOT NULL,
  profile_id      uuid NOT NULL,
  symbol          text NOT NULL,
  bought_quantity engine.exact_nonnegative NOT NULL,
  bought_notional engine.exact_nonnegative NOT NULL,
  sold_quantity   engine.exact_nonnegative NOT NULL,
  sold_notional   engine.exact_nonnegative NOT NULL,
  fees            engine.exact NOT NULL,
  trading_pnl     engine.exact NOT NULL,
  dust_quantity   engine.exact_nonnegative NOT NULL,
  dust_cost       engine.exact_nonnegative NOT NULL,
  opened_at       timestamptz NOT NULL,
  closed_at       timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, event_id)
);
CREATE INDEX trade_history_by_profile ON engine.trade_history (tenant_id, profile_id, event_id);

-- Every fact, in the transaction that made it one; seq is given later by the sequencer.
CREATE TABLE engine.outbox (
  tenant_id   uuid NOT NULL,
  event_id    bigint NOT NULL,
  profile_id  uuid,
  intent_id   uuid,
  type        text NOT NULL,
  payload     jsonb NOT NULL,
  recorded_at timestamptz NOT NULL,
  seq         bigint,
  PRIMARY KEY (tenant_id, event_id)
) WITH (fillfactor = 80);
CREATE INDEX outbox_unsequenced ON engine.outbox (tenant_id, event_id) WHERE seq IS NULL;
CREATE INDEX outbox_by_intent ON engine.outbox (tenant_id, intent_id, event_id) WHERE intent_id IS NOT NULL;

CREATE TABLE engine.audit (
  tenant_id   uuid NOT NULL,
  audit_id    bigint NOT NULL,
  actor       text NOT NULL,
  action      text NOT NULL,
  code        text,
  detail      jsonb NOT NULL DEFAULT '{}',
  recorded_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, audit_id)
);
