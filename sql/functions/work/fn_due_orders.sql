-- Lists the open orders of an exchange account, oldest id first.
-- Belongs to holdfast_scheduler; ids and states only, the rest is read as that tenant.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.fn_due_orders(p_account_id uuid)
RETURNS TABLE (tenant_id uuid, intent_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
  SELECT o.tenant_id, o.intent_id FROM engine.orders o
  WHERE o.account_id = p_account_id AND o.status = 'open' ORDER BY 2
$$;
COMMENT ON FUNCTION engine.fn_due_orders IS
  'Ids of an account''s open orders.';
REVOKE ALL ON FUNCTION engine.fn_due_orders FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_due_orders TO holdfast_engine;
