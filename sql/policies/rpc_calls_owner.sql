-- Functions, which run as the owner, see and write the rows of the tenant they entered only.
DROP POLICY IF EXISTS rpc_calls_owner ON engine.rpc_calls;
CREATE POLICY rpc_calls_owner ON engine.rpc_calls
  TO holdfast_owner
  USING (tenant_id = engine.entered_tenant())
  WITH CHECK (tenant_id = engine.entered_tenant());
