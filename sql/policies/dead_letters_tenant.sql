-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS dead_letters_tenant ON engine.dead_letters;
CREATE POLICY dead_letters_tenant ON engine.dead_letters
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
