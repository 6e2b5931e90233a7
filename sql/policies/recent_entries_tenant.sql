-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS recent_entries_tenant ON engine.recent_entries;
CREATE POLICY recent_entries_tenant ON engine.recent_entries
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
