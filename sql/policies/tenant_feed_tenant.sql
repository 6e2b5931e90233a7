-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS tenant_feed_tenant ON engine.tenant_feed;
CREATE POLICY tenant_feed_tenant ON engine.tenant_feed
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
