-- Idempotency keys of the calls that place no order: specs, modes, cancels. Orders keep theirs for ever in
-- idempotency_keys; these live at least a day, and go as later ones come.
CREATE TABLE engine.request_keys (
  tenant_id    uuid NOT NULL,
  robot_id     uuid NOT NULL,
  key          engine.idempotency_key NOT NULL,
  request_hash text NOT NULL,
  answer       jsonb,
  created_at   timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, robot_id, key)
);
COMMENT ON COLUMN engine.request_keys.answer IS
  'what the call changed, in the transaction that changed it; NULL for a cancel, whose order is its answer';
CREATE INDEX request_keys_by_age ON engine.request_keys (tenant_id, created_at);
ALTER TABLE engine.request_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE engine.request_keys FORCE ROW LEVEL SECURITY;
GRANT SELECT ON engine.request_keys TO holdfast_reader;
