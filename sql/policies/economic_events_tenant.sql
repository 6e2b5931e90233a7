-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS economic_events_tenant ON engine.economic_events;
CREATE POLICY economic_events_tenant ON engine.economic_events
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
