-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS dead_mans_switches_tenant ON engine.dead_mans_switches;
CREATE POLICY dead_mans_switches_tenant ON engine.dead_mans_switches
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
