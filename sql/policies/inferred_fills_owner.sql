-- Functions, which run as the owner, see and write the rows of the tenant they entered only.
DROP POLICY IF EXISTS inferred_fills_owner ON engine.inferred_fills;
CREATE POLICY inferred_fills_owner ON engine.inferred_fills
  TO holdfast_owner
  USING (tenant_id = engine.entered_tenant())
  WITH CHECK (tenant_id = engine.entered_tenant());
