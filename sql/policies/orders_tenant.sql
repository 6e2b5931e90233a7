-- A reader sees the rows of the transaction's tenant only.
DROP POLICY IF EXISTS orders_tenant ON engine.orders;
CREATE POLICY orders_tenant ON engine.orders
  FOR SELECT TO holdfast_reader
  USING (tenant_id = (SELECT engine.claimed_tenant()));
