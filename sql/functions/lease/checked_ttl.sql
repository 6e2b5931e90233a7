-- Gives a lifetime in milliseconds as an interval. Locks nothing, writes nothing.
-- Raises HF422: missing, below 100 ms or above 10 minutes.
CREATE OR REPLACE FUNCTION engine.checked_ttl(p_ttl_ms integer)
RETURNS interval
LANGUAGE plpgsql IMMUTABLE SET search_path = ''
AS $$
BEGIN
  IF p_ttl_ms IS NULL OR p_ttl_ms NOT BETWEEN 100 AND 600000 THEN
    PERFORM engine.refuse('HF422', 'ttl_ms must lie between 100 and 600000', jsonb_build_object('ttl_ms', p_ttl_ms));
  END IF;
  RETURN make_interval(secs => p_ttl_ms / 1000.0);
END
$$;
COMMENT ON FUNCTION engine.checked_ttl IS
  'A lifetime in milliseconds as an interval, within bounds.';
REVOKE ALL ON FUNCTION engine.checked_ttl FROM PUBLIC;
