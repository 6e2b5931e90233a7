-- Functions, which run as the owner, see and write the rows of the tenant they entered only.
DROP POLICY IF EXISTS idempotency_keys_owner ON engine.idempotency_keys;
CREATE POLICY idempotency_keys_owner ON engine.idempotency_keys
  TO holdfast_owner
  USING (tenant_id = engine.entered_tenant())
  WITH CHECK (tenant_id = engine.entered_tenant());
