-- Owner (inside functions) and reader see the rows of the transaction's tenant only.
DROP POLICY IF EXISTS robots_tenant ON engine.robots;
CREATE POLICY robots_tenant ON engine.robots
  TO holdfast_owner, holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()))
  WITH CHECK (tenant_id = (SELECT engine.claimed_tenant()));
