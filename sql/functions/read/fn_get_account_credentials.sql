-- Reads an account's credentials as they are stored: encrypted with a key that is not in the database.
-- Locks nothing, writes nothing. Raises HF403 foreign tenant; HF404 no such account.
CREATE OR REPLACE FUNCTION engine.fn_get_account_credentials(p_tenant_id uuid, p_account_id uuid)
RETURNS bytea
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  PERFORM engine.require_account(p_tenant_id, p_account_id);
  RETURN (SELECT a.credentials FROM engine.exchange_accounts a
          WHERE a.tenant_id = p_tenant_id AND a.account_id = p_account_id);
END
$$;
COMMENT ON FUNCTION engine.fn_get_account_credentials IS
  'An account''s encrypted credentials.';
REVOKE ALL ON FUNCTION engine.fn_get_account_credentials FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_get_account_credentials TO holdfast_engine;
