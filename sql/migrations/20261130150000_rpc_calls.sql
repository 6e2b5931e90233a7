-- Answers of calls that came over RPC: who sends a call again, because its answer was lost, gets the first answer
-- and no second effect. They live an hour, and go as later ones come.
CREATE TABLE engine.rpc_calls (
  tenant_id uuid NOT NULL,
  call_id   uuid NOT NULL,
  function  text NOT NULL,
  answer    text,
  called_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, call_id)
);
COMMENT ON TABLE engine.rpc_calls IS 'answers of calls over RPC, kept in the transaction of their effect';
CREATE INDEX rpc_calls_by_age ON engine.rpc_calls (tenant_id, called_at);
ALTER TABLE engine.rpc_calls ENABLE ROW LEVEL SECURITY;
ALTER TABLE engine.rpc_calls FORCE ROW LEVEL SECURITY;
