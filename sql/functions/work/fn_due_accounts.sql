-- Lists every exchange account of every tenant.
-- Belongs to holdfast_scheduler; ids and states only, the rest is read as that tenant.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.fn_due_accounts()
RETURNS TABLE (tenant_id uuid, account_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
  SELECT a.tenant_id, a.account_id FROM engine.exchange_accounts a ORDER BY 1, 2
$$;
COMMENT ON FUNCTION engine.fn_due_accounts IS
  'Ids of all exchange accounts.';
REVOKE ALL ON FUNCTION engine.fn_due_accounts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_due_accounts TO holdfast_engine;
