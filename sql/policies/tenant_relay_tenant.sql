-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS tenant_relay_tenant ON engine.tenant_relay;
CREATE POLICY tenant_relay_tenant ON engine.tenant_relay
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
