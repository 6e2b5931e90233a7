-- The user of the verified JWT claims, as auth.uid() gives it on Supabase; NULL without any.
-- Locks and writes nothing. Raises 22P02 for a subject that is no UUID.
CREATE OR REPLACE FUNCTION engine.claimed_user() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = '' AS $$
  SELECT (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid
$$;
COMMENT ON FUNCTION engine.claimed_user() IS 'subject of the JWT claims, NULL without any';
REVOKE ALL ON FUNCTION engine.claimed_user() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.claimed_user() TO holdfast_reader;
