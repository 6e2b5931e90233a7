-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS unassigned_holdings_tenant ON engine.unassigned_holdings;
CREATE POLICY unassigned_holdings_tenant ON engine.unassigned_holdings
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
