-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS reservations_tenant ON engine.reservations;
CREATE POLICY reservations_tenant ON engine.reservations
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
