-- Gives a name back if it is one. Locks nothing, writes nothing.
-- Raises HF422: not 1 to 64 letters, digits, dots, underscores or dashes.
CREATE OR REPLACE FUNCTION engine.checked_name(p_value text, p_what text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = ''
AS $$
BEGIN
  IF p_value IS NULL OR p_value !~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' THEN
    PERFORM engine.refuse('HF422', p_what || ' is not a name',
                          jsonb_build_object('argument', p_what, 'value', left(p_value, 80)));
  END IF;
  RETURN p_value;
END
$$;
COMMENT ON FUNCTION engine.checked_name IS
  'Gives a name back or refuses it.';
REVOKE ALL ON FUNCTION engine.checked_name FROM PUBLIC;
