-- The exchange's own timer of an account (cancel all after): whether the engine keeps it armed, and until when the
-- exchange has said that it is.
CREATE TABLE engine.exchange_timers (
  tenant_id   uuid NOT NULL,
  account_id  uuid NOT NULL,
  timeout_s   integer NOT NULL CHECK (timeout_s BETWEEN 1 AND 86400),
  enabled     boolean NOT NULL,
  changed_at  timestamptz NOT NULL,
  off_cause   text CHECK (off_cause IN ('operator', 'stranger')),
  off_sign    jsonb,
  armed_until timestamptz,
  disarm_owed boolean NOT NULL,
  disarmed_at timestamptz,
  PRIMARY KEY (tenant_id, account_id),
  FOREIGN KEY (tenant_id, account_id) REFERENCES engine.exchange_accounts,
  CHECK (enabled = (off_cause IS NULL)),
  CHECK (NOT (enabled AND disarm_owed))
) WITH (fillfactor = 50);
COMMENT ON COLUMN engine.exchange_timers.changed_at IS 'when it was turned on or off';
COMMENT ON COLUMN engine.exchange_timers.off_sign IS 'the order or fill of a stranger that turned it off';
COMMENT ON COLUMN engine.exchange_timers.armed_until IS 'what the exchange answered; NULL: not known to be armed';
COMMENT ON COLUMN engine.exchange_timers.disarm_owed IS 'it is off, and the exchange is still to be told so';
ALTER TABLE engine.exchange_timers ENABLE ROW LEVEL SECURITY;
ALTER TABLE engine.exchange_timers FORCE ROW LEVEL SECURITY;
GRANT SELECT ON engine.exchange_timers TO holdfast_reader;

-- Whether strangers have traded lately is asked once a second while a timer is on.
CREATE INDEX foreign_fills_by_age ON engine.foreign_fills (tenant_id, account_id, recorded_at)
  WHERE returned_at IS NULL;
