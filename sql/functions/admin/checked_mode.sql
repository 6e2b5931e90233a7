-- Gives a mode back if it is one. Locks nothing, writes nothing. Raises HF422.
CREATE OR REPLACE FUNCTION engine.checked_mode(p_value text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = ''
AS $$
BEGIN
  IF p_value IS NULL OR p_value NOT IN ('active', 'reducing', 'halted') THEN
    PERFORM engine.refuse('HF422', 'mode is active, reducing or halted', jsonb_build_object('value', p_value));
  END IF;
  RETURN p_value;
END
$$;
COMMENT ON FUNCTION engine.checked_mode IS
  'Gives a mode back or refuses it.';
REVOKE ALL ON FUNCTION engine.checked_mode FROM PUBLIC;
