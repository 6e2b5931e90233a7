-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS exchange_timers_tenant ON engine.exchange_timers;
CREATE POLICY exchange_timers_tenant ON engine.exchange_timers
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
