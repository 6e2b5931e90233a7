-- Functions, which run as the owner, see and write the rows of the tenant they entered only.
DROP POLICY IF EXISTS robot_keys_owner ON engine.robot_keys;
CREATE POLICY robot_keys_owner ON engine.robot_keys
  TO holdfast_owner
  USING (tenant_id = engine.entered_tenant())
  WITH CHECK (tenant_id = engine.entered_tenant());
