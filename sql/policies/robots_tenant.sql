-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS robots_tenant ON engine.robots;
CREATE POLICY robots_tenant ON engine.robots
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
