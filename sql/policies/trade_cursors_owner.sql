-- Functions, which run as the owner, see and write the rows of the tenant they entered only.
DROP POLICY IF EXISTS trade_cursors_owner ON engine.trade_cursors;
CREATE POLICY trade_cursors_owner ON engine.trade_cursors
  TO holdfast_owner
  USING (tenant_id = engine.entered_tenant())
  WITH CHECK (tenant_id = engine.entered_tenant());
