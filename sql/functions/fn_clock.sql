-- The only place where SQL reads the time; the wall clock, so it moves on within a transaction.
-- Locks: none. Writes: nothing. Raises: nothing.
CREATE OR REPLACE FUNCTION engine.fn_clock()
RETURNS timestamptz
LANGUAGE sql VOLATILE PARALLEL SAFE
AS $body$ SELECT pg_catalog.clock_timestamp() $body$;

COMMENT ON FUNCTION engine.fn_clock() IS 'Now, by the database''s clock; moves on within a transaction.';
REVOKE ALL ON FUNCTION engine.fn_clock() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_clock()
  TO holdfast_engine, holdfast_scheduler, holdfast_operator, holdfast_reader;
