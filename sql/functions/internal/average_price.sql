-- The average price of what was booked of an order, 18 decimals, as text; NULL while nothing is.
-- Locks, writes and raises nothing. No SET clause, operators of pg_catalog only: it is inlined.
CREATE OR REPLACE FUNCTION engine.average_price(p_notional numeric, p_quantity numeric) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_quantity > 0
    THEN trim_scale(round(p_notional * 1.0000000000000000000000000000 / p_quantity, 18))::text END
$$;
COMMENT ON FUNCTION engine.average_price(numeric, numeric) IS 'average price of what was booked of an order';
REVOKE ALL ON FUNCTION engine.average_price(numeric, numeric) FROM PUBLIC;
