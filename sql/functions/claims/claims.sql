-- The verified JWT claims of this transaction, as auth.jwt() gives them on Supabase; NULL without any.
-- Locks and writes nothing. Raises 22P02 for what is no JSON.
CREATE OR REPLACE FUNCTION engine.claims() RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = '' AS $$
  SELECT nullif(current_setting('request.jwt.claims', true), '')::jsonb
$$;
COMMENT ON FUNCTION engine.claims() IS 'JWT claims of this transaction, NULL without any';
REVOKE ALL ON FUNCTION engine.claims() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.claims() TO holdfast_reader;
