-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS alerts_tenant ON engine.alerts;
CREATE POLICY alerts_tenant ON engine.alerts
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
