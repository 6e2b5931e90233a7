-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS reconciliation_requests_tenant ON engine.reconciliation_requests;
CREATE POLICY reconciliation_requests_tenant ON engine.reconciliation_requests
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
