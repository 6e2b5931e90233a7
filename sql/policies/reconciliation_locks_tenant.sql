-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS reconciliation_locks_tenant ON engine.reconciliation_locks;
CREATE POLICY reconciliation_locks_tenant ON engine.reconciliation_locks
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
