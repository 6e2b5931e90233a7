-- Proves that this database takes writes: it locks the engine's settings for a moment, which a server that is
-- read-only or in recovery refuses (SQLSTATE 25006). Engine level: no tenant. Never waits for another lock.
-- Locks engine_settings (skipped if locked), writes nothing that is seen, raises nothing of its own.
CREATE OR REPLACE FUNCTION engine.fn_prove_writable()
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
  PERFORM FROM engine.engine_settings FOR NO KEY UPDATE SKIP LOCKED;
  RETURN true;
END
$$;
COMMENT ON FUNCTION engine.fn_prove_writable IS
  'True, or the error of a database that takes no writes.';
REVOKE ALL ON FUNCTION engine.fn_prove_writable FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_prove_writable TO holdfast_engine;
