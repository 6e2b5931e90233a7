-- Books the parked fills of orders that are known by now.
-- Locks: unmatched_fills, and what engine.book_fill locks. Writes unmatched_fills and what that writes.
-- Raises HF422 for a parked number that is not exact.
CREATE OR REPLACE FUNCTION engine.drain_unmatched(p_tenant_id uuid, p_intents uuid[], p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_parked record;
BEGIN
  PERFORM FROM engine.unmatched_fills WHERE tenant_id = p_tenant_id LIMIT 1;
  IF NOT FOUND THEN
    RETURN;  -- as nearly always, and cheaper to see than a DELETE that finds nothing
  END IF;
  FOR v_parked IN
    WITH drained AS (
      DELETE FROM engine.unmatched_fills u USING engine.orders o
      WHERE o.tenant_id = p_tenant_id AND o.intent_id = ANY (p_intents) AND u.tenant_id = p_tenant_id
        AND u.account_id = o.account_id AND u.symbol = o.symbol AND u.exchange_order_id = o.exchange_order_id
      RETURNING o.intent_id, u.fill, u.exchange_trade_id)
    SELECT * FROM drained ORDER BY intent_id, exchange_trade_id
  LOOP
    PERFORM engine.book_fill(p_tenant_id, v_parked.intent_id, v_parked.fill, p_now);
  END LOOP;
END $$;
COMMENT ON FUNCTION engine.drain_unmatched(uuid, uuid[], timestamptz) IS 'books parked fills of known orders';
REVOKE ALL ON FUNCTION engine.drain_unmatched(uuid, uuid[], timestamptz) FROM PUBLIC;
