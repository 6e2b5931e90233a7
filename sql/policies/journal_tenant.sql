-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS journal_tenant ON engine.journal;
CREATE POLICY journal_tenant ON engine.journal
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
