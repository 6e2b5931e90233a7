-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS request_keys_tenant ON engine.request_keys;
CREATE POLICY request_keys_tenant ON engine.request_keys
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
