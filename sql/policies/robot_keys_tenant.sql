-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS robot_keys_tenant ON engine.robot_keys;
CREATE POLICY robot_keys_tenant ON engine.robot_keys
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
