-- Owner (inside functions) and reader see the rows of the transaction's tenant only.
DROP POLICY IF EXISTS intents_tenant ON engine.intents;
CREATE POLICY intents_tenant ON engine.intents
  TO holdfast_owner, holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()))
  WITH CHECK (tenant_id = (SELECT engine.claimed_tenant()));
