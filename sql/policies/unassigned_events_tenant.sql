-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS unassigned_events_tenant ON engine.unassigned_events;
CREATE POLICY unassigned_events_tenant ON engine.unassigned_events
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
