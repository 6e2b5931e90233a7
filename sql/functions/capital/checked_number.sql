-- Gives a number back if the ledger can hold it exactly: NaN compares as greater than everything, so the
-- upper bound refuses it. Locks nothing, writes nothing.
-- Raises HF422: missing, NaN, infinite, beyond 20 digits, or finer than 18 decimals.
CREATE OR REPLACE FUNCTION engine.checked_number(p_value numeric, p_what text)
RETURNS numeric
LANGUAGE plpgsql IMMUTABLE SET search_path = ''
AS $$
BEGIN
  IF (p_value > -1e20 AND p_value < 1e20 AND p_value = trunc(p_value, 18)) IS NOT TRUE THEN
    PERFORM engine.refuse('HF422', p_what || ' is not an exact number',
                          jsonb_build_object('argument', p_what, 'value', p_value::text));
  END IF;
  RETURN p_value;
END
$$;
COMMENT ON FUNCTION engine.checked_number IS
  'Gives an exact number back or refuses it; never rounds.';
REVOKE ALL ON FUNCTION engine.checked_number FROM PUBLIC;
