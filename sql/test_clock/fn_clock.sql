-- Replaces functions/fn_clock.sql in a test deploy: the wall clock plus the offset of engine.test_clock.
-- `holdfast db verify` reports it as drift of its own kind, test_clock.
-- Locks: none. Writes: nothing. Raises: nothing.
CREATE TABLE IF NOT EXISTS engine.test_clock (
  only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  clock_offset interval NOT NULL
);
INSERT INTO engine.test_clock (clock_offset) VALUES (interval '0') ON CONFLICT DO NOTHING;

CREATE OR REPLACE FUNCTION engine.fn_clock()
RETURNS timestamptz
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = ''
AS $body$ SELECT pg_catalog.clock_timestamp() + t.clock_offset FROM engine.test_clock t $body$;

COMMENT ON FUNCTION engine.fn_clock() IS 'Now, moved by engine.test_clock: for tests only.';
REVOKE ALL ON FUNCTION engine.fn_clock() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_clock()
  TO holdfast_engine, holdfast_scheduler, holdfast_operator, holdfast_reader;
