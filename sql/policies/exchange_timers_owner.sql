-- Functions, which run as the owner, see and write the rows of the tenant they entered only.
DROP POLICY IF EXISTS exchange_timers_owner ON engine.exchange_timers;
CREATE POLICY exchange_timers_owner ON engine.exchange_timers
  TO holdfast_owner
  USING (tenant_id = engine.entered_tenant())
  WITH CHECK (tenant_id = engine.entered_tenant());
