-- What limits, switches and webhooks remember: recent entries of profiles with limits over time, a timer for each
-- robot, routes for alerts and the alerts themselves, and what failed for good.

-- Entries that were opened lately, of profiles whose spec counts them; older ones are removed as new ones come.
CREATE TABLE engine.recent_entries (
  tenant_id  uuid NOT NULL,
  profile_id uuid NOT NULL,
  opened_at  timestamptz NOT NULL,
  intent_id  uuid NOT NULL,
  shape      text NOT NULL,
  PRIMARY KEY (tenant_id, profile_id, opened_at, intent_id)
);
COMMENT ON COLUMN engine.recent_entries.shape IS 'what makes two orders identical: symbol, type, quantity, price, conditions';

-- Where a profile's realized pnl stood when the present day (UTC) began; kept once it was looked up.
CREATE TABLE engine.profile_days (
  tenant_id    uuid NOT NULL,
  profile_id   uuid NOT NULL,
  day          date NOT NULL,
  realized_pnl engine.exact NOT NULL,
  PRIMARY KEY (tenant_id, profile_id),
  FOREIGN KEY (tenant_id, profile_id) REFERENCES engine.profiles
);

-- The dead-man's switch of a robot. It acts once, when expires_at has passed without another sign of life.
CREATE TABLE engine.dead_mans_switches (
  tenant_id            uuid NOT NULL,
  robot_id             uuid NOT NULL,
  timeout_ms           integer NOT NULL CHECK (timeout_ms BETWEEN 1000 AND 86400000),
  action               text NOT NULL CHECK (action IN ('cancel', 'reduce', 'halt')),
  profile_id           uuid,
  cancel_on_disconnect boolean NOT NULL,
  armed                boolean NOT NULL,
  sweeping             boolean NOT NULL DEFAULT false,
  seen_at              timestamptz NOT NULL,
  expires_at           timestamptz NOT NULL,
  fired_at             timestamptz,
  fired_cause          text,
  fired_cancels        integer,
  PRIMARY KEY (tenant_id, robot_id),
  FOREIGN KEY (tenant_id, robot_id) REFERENCES engine.robots,
  FOREIGN KEY (tenant_id, profile_id) REFERENCES engine.profiles,
  CHECK (action = 'cancel' OR profile_id IS NOT NULL)
) WITH (fillfactor = 50);
CREATE INDEX dead_mans_switches_due ON engine.dead_mans_switches (expires_at) WHERE armed OR sweeping;
COMMENT ON COLUMN engine.dead_mans_switches.sweeping IS 'it has fired, and the cancels of its orders are not requested yet';
COMMENT ON COLUMN engine.dead_mans_switches.profile_id IS 'whose mode it sets; NULL: it only cancels';

-- Where alerts of charting services arrive, and how each becomes an order. The secret is stored as its hash.
CREATE TABLE engine.webhook_routes (
  tenant_id   uuid NOT NULL,
  route_id    uuid NOT NULL,
  name        engine.name NOT NULL,
  robot_id    uuid NOT NULL,
  profile_id  uuid NOT NULL,
  secret_hash bytea NOT NULL CHECK (length(secret_hash) = 32),
  template    jsonb NOT NULL,
  max_lag_s   integer NOT NULL CHECK (max_lag_s BETWEEN 1 AND 86400),
  created_at  timestamptz NOT NULL,
  deleted_at  timestamptz,
  PRIMARY KEY (tenant_id, route_id),
  FOREIGN KEY (tenant_id, robot_id) REFERENCES engine.robots,
  FOREIGN KEY (tenant_id, profile_id) REFERENCES engine.profiles
);
CREATE UNIQUE INDEX webhook_routes_by_name ON engine.webhook_routes (tenant_id, name) WHERE deleted_at IS NULL;
CREATE INDEX webhook_routes_by_id ON engine.webhook_routes (route_id);

-- An alert, durable before it is answered; its id is the idempotency key of its order.
CREATE TABLE engine.alerts (
  tenant_id    uuid NOT NULL,
  alert_id     uuid NOT NULL,
  route_id     uuid NOT NULL,
  identity     text,
  body         text NOT NULL,
  body_hash    bytea NOT NULL,
  said_at      timestamptz,
  received_at  timestamptz NOT NULL,
  state        text NOT NULL CHECK (state IN ('received', 'done', 'refused', 'dead')),
  attempts     engine.counter NOT NULL DEFAULT 0,
  retries      engine.counter NOT NULL DEFAULT 0,
  due_at       timestamptz NOT NULL,
  code         text,
  result       jsonb,
  finished_at  timestamptz,
  PRIMARY KEY (tenant_id, alert_id),
  FOREIGN KEY (tenant_id, route_id) REFERENCES engine.webhook_routes
) WITH (fillfactor = 70);
CREATE INDEX alerts_due ON engine.alerts (due_at) WHERE state = 'received';
CREATE INDEX alerts_by_identity ON engine.alerts (tenant_id, route_id, identity) WHERE identity IS NOT NULL;
CREATE INDEX alerts_by_route ON engine.alerts (tenant_id, route_id, received_at);
COMMENT ON COLUMN engine.alerts.body IS 'as it came, without the secret';
COMMENT ON COLUMN engine.alerts.retries IS 'how often an operator had it tried again after a refusal: part of the order''s key';
COMMENT ON COLUMN engine.alerts.said_at IS 'when its sender says it was made; lag counts from here, or from received_at';

-- What failed for good, on the way in or out, kept with its error until an operator retries or drops it.
CREATE TABLE IF NOT EXISTS engine.dead_letters (
  tenant_id      uuid NOT NULL,
  dead_letter_id uuid NOT NULL,
  direction      text NOT NULL CHECK (direction IN ('in', 'out')),
  source         text NOT NULL,
  payload        jsonb NOT NULL,
  code           text NOT NULL,
  trace          text,
  attempts       integer NOT NULL,
  created_at     timestamptz NOT NULL,
  state          text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'retried', 'dropped')),
  PRIMARY KEY (tenant_id, dead_letter_id)
);

DO $$
DECLARE
  v_table text;
BEGIN
  FOREACH v_table IN ARRAY ARRAY['recent_entries', 'profile_days', 'dead_mans_switches', 'webhook_routes', 'alerts',
                                 'dead_letters'] LOOP
    EXECUTE format('ALTER TABLE engine.%I ENABLE ROW LEVEL SECURITY', v_table);
    EXECUTE format('ALTER TABLE engine.%I FORCE ROW LEVEL SECURITY', v_table);
    EXECUTE format('GRANT SELECT ON engine.%I TO holdfast_reader', v_table);
  END LOOP;
END $$;
REVOKE SELECT ON engine.webhook_routes FROM holdfast_reader;  -- all but the hash
GRANT SELECT (tenant_id, route_id, name, robot_id, profile_id, template, max_lag_s, created_at, deleted_at)
  ON engine.webhook_routes TO holdfast_reader;

-- The scheduler sees ids, states and times only.
GRANT SELECT (tenant_id, robot_id, armed, sweeping, expires_at) ON engine.dead_mans_switches TO holdfast_scheduler;
GRANT SELECT (tenant_id, route_id, deleted_at) ON engine.webhook_routes TO holdfast_scheduler;
GRANT SELECT (tenant_id, alert_id, state, due_at) ON engine.alerts TO holdfast_scheduler;
