-- Reads a plain decimal string: no exponent, no NaN, nothing that a cast would round or guess.
-- Locks nothing, writes nothing. Raises HF422.
CREATE OR REPLACE FUNCTION engine.number_from_text(p_value text, p_what text)
RETURNS numeric
LANGUAGE plpgsql IMMUTABLE SET search_path = ''
AS $$
BEGIN
  IF p_value IS NULL OR p_value !~ '^-?[0-9]{1,20}(\.[0-9]{1,18})?$' THEN
    PERFORM engine.refuse('HF422', p_what || ' is not a plain decimal string',
                          jsonb_build_object('argument', p_what, 'value', left(p_value, 80)));
  END IF;
  RETURN p_value::numeric;
END
$$;
COMMENT ON FUNCTION engine.number_from_text IS
  'Reads an exact number from a plain decimal string or refuses it.';
REVOKE ALL ON FUNCTION engine.number_from_text FROM PUBLIC;
