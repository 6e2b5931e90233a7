-- Reads a positive plain decimal number of at most 20 + 18 digits; anything else (NaN, exponents, signs,
-- excess scale) is NULL, never rounded.
-- Locks, writes and raises nothing. No SET clause: pg_catalog only, so that it can be inlined.
CREATE OR REPLACE FUNCTION engine.plain_number(p_text text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_text ~ '^[0-9]{1,20}(\.[0-9]{1,18})?$' THEN nullif(p_text::numeric, 0) END
$$;
COMMENT ON FUNCTION engine.plain_number(text) IS 'a positive exact number, or NULL';
REVOKE ALL ON FUNCTION engine.plain_number(text) FROM PUBLIC;
