-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS intents_tenant ON engine.intents;
CREATE POLICY intents_tenant ON engine.intents
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
