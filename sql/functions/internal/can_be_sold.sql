-- Tells whether what a position holds can be sold at all: a multiple of the lot that the exchange's minima allow.
-- Locks, writes and raises nothing. No SET clause: pg_catalog only, so that it can be inlined.
CREATE OR REPLACE FUNCTION engine.can_be_sold(
  p_quantity numeric, p_price numeric, p_lot_size numeric, p_min_quantity numeric, p_min_notional numeric
) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT p_quantity - p_quantity % p_lot_size >= p_min_quantity AND p_quantity >= p_lot_size
    AND (p_quantity - p_quantity % p_lot_size) * p_price >= p_min_notional
$$;
COMMENT ON FUNCTION engine.can_be_sold(numeric, numeric, numeric, numeric, numeric) IS
  'whether what a position holds can be sold';
REVOKE ALL ON FUNCTION engine.can_be_sold(numeric, numeric, numeric, numeric, numeric) FROM PUBLIC;
