-- Raises one of our own refusals, so that every function words them the same way.
-- Locks nothing, writes nothing. Raises what it is told.
CREATE OR REPLACE FUNCTION engine.refuse(p_sqlstate text, p_message text, p_detail jsonb DEFAULT '{}')
RETURNS void
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = p_sqlstate, MESSAGE = p_message, DETAIL = p_detail::text;
END
$$;
COMMENT ON FUNCTION engine.refuse IS
  'Raises a refusal with its own SQLSTATE, a sentence and the numbers as JSON.';
REVOKE ALL ON FUNCTION engine.refuse FROM PUBLIC;
