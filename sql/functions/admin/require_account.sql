-- Refuses work for an account that this tenant does not have. Locks nothing, writes nothing. Raises HF404.
CREATE OR REPLACE FUNCTION engine.require_account(p_tenant_id uuid, p_account_id uuid)
RETURNS void
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM engine.exchange_accounts WHERE tenant_id = p_tenant_id AND account_id = p_account_id) THEN
    PERFORM engine.refuse('HF404', 'no such account', jsonb_build_object('account_id', p_account_id));
  END IF;
END
$$;
COMMENT ON FUNCTION engine.require_account IS
  'Refuses an account that this tenant does not have.';
REVOKE ALL ON FUNCTION engine.require_account FROM PUBLIC;
