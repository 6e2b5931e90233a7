-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS instruments_tenant ON engine.instruments;
CREATE POLICY instruments_tenant ON engine.instruments
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
