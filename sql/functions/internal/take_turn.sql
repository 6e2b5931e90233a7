-- Lets lone entries of one profile wait in line for its capital. Without it all of them wait for the row: each commit
-- wakes them all, and all but one wait again, for the row's next version. Nothing but time depends on it: the row's own
-- lock decides, and nobody else asks. Whoever holds capital, or may be asked for what it holds, must not: a turn is
-- taken while nothing but that row is left to wait for.
-- Locks: an advisory lock of the profile until the end of the transaction, right before its profile_capital row.
-- Writes and raises nothing; true. No SET clause, so that it can be inlined.
CREATE OR REPLACE FUNCTION engine.take_turn(p_profile_id uuid) RETURNS boolean
LANGUAGE sql VOLATILE AS $$
  SELECT pg_catalog.pg_advisory_xact_lock(4653, pg_catalog.uuid_hash(p_profile_id)) IS NOT NULL
$$;
COMMENT ON FUNCTION engine.take_turn(uuid) IS 'waits in line for a profile''s capital';
REVOKE ALL ON FUNCTION engine.take_turn(uuid) FROM PUBLIC;
