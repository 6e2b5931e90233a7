-- The hash of the sql/ that this database was deployed from; NULL where no deploy recorded one.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.fn_schema_hash()
RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
  SELECT fingerprint FROM engine.schema_objects WHERE kind = 'schema' AND name = 'hash'
$$;
COMMENT ON FUNCTION engine.fn_schema_hash IS
  'What the database was deployed from.';
REVOKE ALL ON FUNCTION engine.fn_schema_hash FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_schema_hash TO holdfast_engine;
