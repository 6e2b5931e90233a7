-- Functions, which run as the owner, see and write the rows of the tenant they entered only.
DROP POLICY IF EXISTS dead_letters_owner ON engine.dead_letters;
CREATE POLICY dead_letters_owner ON engine.dead_letters
  TO holdfast_owner
  USING (tenant_id = engine.entered_tenant())
  WITH CHECK (tenant_id = engine.entered_tenant());
