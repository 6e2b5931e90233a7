-- Puts an account's credentials, wrapped by a new master key, in the place of those they were made from.
-- Compares before it writes: what another call has changed meanwhile is not undone, and gives false. The second call
-- with the same bytes gives false too. Locks the account's row. Writes exchange_accounts, audit.
-- Raises HF403 foreign tenant; HF404 no such account; HF422 no actor or no bytes.
CREATE OR REPLACE FUNCTION engine.fn_rewrap_credentials(
    p_tenant_id uuid, p_account_id uuid, p_old bytea, p_new bytea, p_actor text
)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  PERFORM engine.require_account(p_tenant_id, p_account_id);
  IF (length(p_new) > 0) IS NOT TRUE THEN
    PERFORM engine.refuse('HF422', 'credentials are never empty');
  END IF;
  UPDATE engine.exchange_accounts SET credentials = p_new
  WHERE tenant_id = p_tenant_id AND account_id = p_account_id AND credentials = p_old AND credentials <> p_new;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM engine.record_audit(p_tenant_id, p_actor, 'rewrap_credentials', NULL,
                              jsonb_build_object('account_id', p_account_id), engine.fn_clock());
  RETURN true;
END
$$;
COMMENT ON FUNCTION engine.fn_rewrap_credentials IS
  'Replaces sealed credentials by the same under another master key; false if they are others by now.';
REVOKE ALL ON FUNCTION engine.fn_rewrap_credentials FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_rewrap_credentials TO holdfast_engine;
