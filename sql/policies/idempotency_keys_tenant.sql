-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS idempotency_keys_tenant ON engine.idempotency_keys;
CREATE POLICY idempotency_keys_tenant ON engine.idempotency_keys
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
