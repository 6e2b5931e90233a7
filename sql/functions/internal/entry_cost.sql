-- What an entry reserves: its notional and the dearer of its fees, rounded up to 18 decimals.
-- Locks, writes and raises nothing. No SET clause: pg_catalog only, so that it can be inlined.
CREATE OR REPLACE FUNCTION engine.entry_cost(
  p_quantity numeric, p_price numeric, p_maker_fee_rate numeric, p_taker_fee_rate numeric
) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT ceil(p_quantity * p_price * (1 + greatest(p_maker_fee_rate, p_taker_fee_rate, 0)) * 1000000000000000000)
    * 0.000000000000000001
$$;
COMMENT ON FUNCTION engine.entry_cost(numeric, numeric, numeric, numeric) IS 'what an entry reserves';
REVOKE ALL ON FUNCTION engine.entry_cost(numeric, numeric, numeric, numeric) FROM PUBLIC;
