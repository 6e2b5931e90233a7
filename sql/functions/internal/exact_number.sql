-- Reads a plain decimal number of at most 20 + 18 digits from a fact's JSON; NULL stays NULL.
-- Locks and writes nothing. Raises HF422 for NaN, exponents, excess scale and, unless p_signed, for a sign.
CREATE OR REPLACE FUNCTION engine.exact_number(p_text text, p_name text, p_signed boolean) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF p_text !~ '^-?[0-9]{1,20}(\.[0-9]{1,18})?$' OR (NOT p_signed AND p_text LIKE '-%') THEN
    RAISE EXCEPTION USING ERRCODE = 'HF422', MESSAGE = p_name || ' is no exact number',
      DETAIL = jsonb_build_object(p_name, p_text)::text;
  END IF;
  RETURN p_text::numeric;
END $$;
COMMENT ON FUNCTION engine.exact_number(text, text, boolean) IS 'reads an exact number or refuses it';
REVOKE ALL ON FUNCTION engine.exact_number(text, text, boolean) FROM PUBLIC;
