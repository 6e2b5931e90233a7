-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS facts_tenant ON engine.facts;
CREATE POLICY facts_tenant ON engine.facts
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
