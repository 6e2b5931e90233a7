-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS rpc_calls_tenant ON engine.rpc_calls;
CREATE POLICY rpc_calls_tenant ON engine.rpc_calls
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
