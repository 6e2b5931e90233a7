-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS denials_tenant ON engine.denials;
CREATE POLICY denials_tenant ON engine.denials
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
