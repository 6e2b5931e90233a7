-- Gives a positive exact number back. Locks nothing, writes nothing. Raises HF422.
CREATE OR REPLACE FUNCTION engine.checked_amount(p_value numeric, p_what text)
RETURNS numeric
LANGUAGE plpgsql IMMUTABLE SET search_path = ''
AS $$
BEGIN
  IF engine.checked_number(p_value, p_what) <= 0 THEN
    PERFORM engine.refuse('HF422', p_what || ' is not positive',
                          jsonb_build_object('argument', p_what, 'value', p_value::text));
  END IF;
  RETURN p_value;
END
$$;
COMMENT ON FUNCTION engine.checked_amount IS
  'Gives a positive exact number back or refuses it.';
REVOKE ALL ON FUNCTION engine.checked_amount FROM PUBLIC;
