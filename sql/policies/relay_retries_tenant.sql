-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS relay_retries_tenant ON engine.relay_retries;
CREATE POLICY relay_retries_tenant ON engine.relay_retries
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
