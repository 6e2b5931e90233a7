-- Owner (inside functions) and reader see the rows of the transaction's tenant only.
DROP POLICY IF EXISTS robot_keys_tenant ON engine.robot_keys;
CREATE POLICY robot_keys_tenant ON engine.robot_keys
  TO holdfast_owner, holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()))
  WITH CHECK (tenant_id = (SELECT engine.claimed_tenant()));
