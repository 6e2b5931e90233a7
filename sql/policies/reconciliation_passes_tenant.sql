-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS reconciliation_passes_tenant ON engine.reconciliation_passes;
CREATE POLICY reconciliation_passes_tenant ON engine.reconciliation_passes
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
