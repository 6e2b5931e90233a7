-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS outbox_tenant ON engine.outbox;
CREATE POLICY outbox_tenant ON engine.outbox
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
