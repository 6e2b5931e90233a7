-- Gives a text back if it says something: actors, reasons, idempotency keys. Locks nothing, writes nothing.
-- Raises HF422: missing, blank, or longer than 500 characters.
CREATE OR REPLACE FUNCTION engine.checked_text(p_value text, p_what text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = ''
AS $$
BEGIN
  IF p_value IS NULL OR length(btrim(p_value)) NOT BETWEEN 1 AND 500 THEN
    PERFORM engine.refuse('HF422', p_what || ' is missing, blank or too long', jsonb_build_object('argument', p_what));
  END IF;
  RETURN p_value;
END
$$;
COMMENT ON FUNCTION engine.checked_text IS
  'Gives a text back or refuses it.';
REVOKE ALL ON FUNCTION engine.checked_text FROM PUBLIC;
