-- The intents of an account whose outcome nobody knows yet.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.unresolved_intents(p_account engine.exchange_accounts)
RETURNS TABLE (intent_id uuid, symbol text, side text, created_at timestamptz)
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
  RETURN QUERY
    SELECT i.intent_id, i.symbol, i.side::text, i.created_at FROM engine.unresolved(p_account.tenant_id) i
    WHERE i.account_id = p_account.account_id;
END
$$;
COMMENT ON FUNCTION engine.unresolved_intents IS
  'The unresolved intents of an account.';
REVOKE ALL ON FUNCTION engine.unresolved_intents FROM PUBLIC;
