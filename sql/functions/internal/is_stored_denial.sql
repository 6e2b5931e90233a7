-- Tells which denials are stored with their key, so that a retry cannot flip them.
-- Locks, writes and raises nothing. No SET clause: pg_catalog only, so that it can be inlined.
CREATE OR REPLACE FUNCTION engine.is_stored_denial(p_code text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT p_code IN ('INSUFFICIENT_CAPITAL', 'INSUFFICIENT_POSITION', 'LIMIT_EXCEEDED', 'MODE_HALTED',
                    'MODE_REDUCING')
$$;
COMMENT ON FUNCTION engine.is_stored_denial(text) IS 'denials by capital, limits and modes';
REVOKE ALL ON FUNCTION engine.is_stored_denial(text) FROM PUBLIC;
