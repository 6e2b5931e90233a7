-- The idempotency key of a fill's event: the fill's identity.
-- Locks, writes and raises nothing. No SET clause: pg_catalog only, so that it can be inlined.
CREATE OR REPLACE FUNCTION engine.fill_key(p_fill engine.fills) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT 'fill:' || p_fill.account_id || ':' || p_fill.symbol || ':' || p_fill.exchange_order_id || ':'
    || p_fill.exchange_trade_id
$$;
COMMENT ON FUNCTION engine.fill_key(engine.fills) IS 'idempotency key of a fill';
REVOKE ALL ON FUNCTION engine.fill_key(engine.fills) FROM PUBLIC;
