-- Owner (inside functions) and reader see the rows of the transaction's tenant only.
DROP POLICY IF EXISTS entry_locks_tenant ON engine.entry_locks;
CREATE POLICY entry_locks_tenant ON engine.entry_locks
  TO holdfast_owner, holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()))
  WITH CHECK (tenant_id = (SELECT engine.claimed_tenant()));
