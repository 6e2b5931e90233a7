-- Gives the key under which an operator's movement of capital is stored. In strict mode a missing key is refused;
-- otherwise one is drawn, and the call cannot be repeated safely. Locks nothing, writes nothing.
-- Raises HF413 key required; HF422 longer than 128 characters.
CREATE OR REPLACE FUNCTION engine.operator_key(p_key text)
RETURNS text
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
  IF p_key IS NULL THEN
    IF (SELECT strict_idempotency FROM engine.engine_settings) IS NOT FALSE THEN
      PERFORM engine.refuse('HF413', 'an idempotency key is required');
    END IF;
    RETURN 'operator:auto:' || gen_random_uuid();
  END IF;
  IF length(p_key) NOT BETWEEN 1 AND 128 THEN
    PERFORM engine.refuse('HF422', 'an idempotency key has 1 to 128 characters');
  END IF;
  RETURN 'operator:' || p_key;
END
$$;
COMMENT ON FUNCTION engine.operator_key IS
  'The stored form of an operator''s idempotency key.';
REVOKE ALL ON FUNCTION engine.operator_key FROM PUBLIC;
