-- Whether two numbers differ by less than one unit of the exchange's last place: of the decimals it reports, at
-- least eight. NULL (not reported) differs from nothing. Locks nothing, writes nothing, raises nothing.
-- No SET clause: pg_catalog only, so that it can be inlined.
CREATE OR REPLACE FUNCTION engine.same_number(p_reported numeric, p_ours numeric)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT coalesce(p_reported = p_ours OR trunc(p_reported - p_ours, greatest(scale(p_reported), 8)) = 0, true)
$$;
COMMENT ON FUNCTION engine.same_number IS
  'Whether two numbers are equal up to one unit of the last place.';
REVOKE ALL ON FUNCTION engine.same_number FROM PUBLIC;
