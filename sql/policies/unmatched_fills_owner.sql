-- Functions, which run as the owner, see and write the rows of the tenant they entered only.
DROP POLICY IF EXISTS unmatched_fills_owner ON engine.unmatched_fills;
CREATE POLICY unmatched_fills_owner ON engine.unmatched_fills
  TO holdfast_owner
  USING (tenant_id = engine.entered_tenant())
  WITH CHECK (tenant_id = engine.entered_tenant());
