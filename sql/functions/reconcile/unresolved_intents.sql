-- The intents of an account whose outcome nobody knows yet, by the index of all such, which is short.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.unresolved_intents(p_account engine.exchange_accounts)
RETURNS TABLE (intent_id uuid, symbol text, side text, created_at timestamptz)
LANGUAGE plpgsql STABLE SET search_path = ''
-- in the order of that index and without a sort: the keys of all intents are no way to them
SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
BEGIN
  RETURN QUERY
    SELECT i.intent_id, i.symbol, i.side::text, i.created_at FROM engine.intents i
    WHERE CASE WHEN i.state IN ('sending', 'in_doubt', 'needs_operator') THEN true END
      AND i.tenant_id = p_account.tenant_id AND i.account_id = p_account.account_id
    ORDER BY i.expires_at;
END
$$;
COMMENT ON FUNCTION engine.unresolved_intents IS
  'The unresolved intents of an account.';
REVOKE ALL ON FUNCTION engine.unresolved_intents FROM PUBLIC;
