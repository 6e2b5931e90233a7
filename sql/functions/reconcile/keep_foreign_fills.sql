-- Keeps foreign fills with all that a later assignment needs, and marks those that turned out to be ours. A parked
-- fill that is foreign waits for nothing any more.
-- Locks and writes foreign_fills, unmatched_fills.
-- Raises 23505: another pass has booked one meanwhile.
CREATE OR REPLACE FUNCTION engine.keep_foreign_fills(
    p_account engine.exchange_accounts, p_fills engine.foreign_fills[], p_ours engine.foreign_fills[],
    p_now timestamptz
)
RETURNS void
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
  INSERT INTO engine.foreign_fills SELECT f.* FROM unnest(p_fills) f;
  IF cardinality(p_ours) > 0 THEN
    UPDATE engine.foreign_fills f SET returned_at = p_now FROM unnest(p_ours) o
    WHERE f.tenant_id = p_account.tenant_id AND f.account_id = p_account.account_id AND f.symbol = o.symbol
      AND f.exchange_order_id = o.exchange_order_id AND f.exchange_trade_id = o.exchange_trade_id;
  END IF;
  IF EXISTS (SELECT FROM engine.unmatched_fills
             WHERE tenant_id = p_account.tenant_id AND account_id = p_account.account_id) THEN
    DELETE FROM engine.unmatched_fills u USING engine.foreign_fills f
    WHERE u.tenant_id = p_account.tenant_id AND u.account_id = p_account.account_id AND f.tenant_id = u.tenant_id
      AND f.account_id = u.account_id AND f.symbol = u.symbol AND f.exchange_order_id = u.exchange_order_id
      AND f.exchange_trade_id = u.exchange_trade_id AND f.returned_at IS NULL;
  END IF;
END
$$;
COMMENT ON FUNCTION engine.keep_foreign_fills IS
  'Keeps the foreign fills of a pass.';
REVOKE ALL ON FUNCTION engine.keep_foreign_fills FROM PUBLIC;
