-- Rounds up to 18 decimals: what is set aside is never below what it may cost.
-- Locks, writes and raises nothing. No SET clause: pg_catalog only, so that it can be inlined.
CREATE OR REPLACE FUNCTION engine.ceil18(p_number numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT ceil(p_number * 1000000000000000000) * 0.000000000000000001
$$;
COMMENT ON FUNCTION engine.ceil18(numeric) IS 'rounds up to 18 decimals';
REVOKE ALL ON FUNCTION engine.ceil18(numeric) FROM PUBLIC;
