-- Functions, which run as the owner, see and write the rows of the tenant they entered only.
DROP POLICY IF EXISTS foreign_fills_owner ON engine.foreign_fills;
CREATE POLICY foreign_fills_owner ON engine.foreign_fills
  TO holdfast_owner
  USING (tenant_id = engine.entered_tenant())
  WITH CHECK (tenant_id = engine.entered_tenant());
