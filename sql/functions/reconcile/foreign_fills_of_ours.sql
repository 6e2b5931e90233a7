-- The fills booked as foreign, unsure then, whose order the ledger knows as its own by now: the profile's books have
-- or get them, so the unassigned holding gives them back. Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.foreign_fills_of_ours(p_account engine.exchange_accounts)
RETURNS engine.foreign_fills[]
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
  RETURN ARRAY(
    SELECT f FROM engine.foreign_fills f, LATERAL (SELECT o.intent_id FROM engine.orders o
      WHERE o.tenant_id = p_account.tenant_id AND o.account_id = p_account.account_id AND o.symbol = f.symbol
        AND o.exchange_order_id = f.exchange_order_id LIMIT 1) o
    WHERE f.tenant_id = p_account.tenant_id AND f.account_id = p_account.account_id AND f.unsure
      AND f.returned_at IS NULL
    ORDER BY f.exchange_time, f.symbol, f.exchange_trade_id);
END
$$;
COMMENT ON FUNCTION engine.foreign_fills_of_ours IS
  'Fills booked as foreign that turned out to be ours.';
REVOKE ALL ON FUNCTION engine.foreign_fills_of_ours FROM PUBLIC;
