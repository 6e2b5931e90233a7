-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS entry_locks_tenant ON engine.entry_locks;
CREATE POLICY entry_locks_tenant ON engine.entry_locks
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
