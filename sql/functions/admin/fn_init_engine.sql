-- Gives the installation its tag, once: it starts every client order id, so it never changes.
-- Locks nothing. Writes engine_settings if it is empty. Raises HF422: not a tag.
CREATE OR REPLACE FUNCTION engine.fn_init_engine(p_installation_tag text)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
  IF p_installation_tag IS NULL OR p_installation_tag !~ '^[a-z][a-z2-7]{3}$' THEN
    PERFORM engine.refuse('HF422', 'the installation tag is a letter and three base32 characters');
  END IF;
  INSERT INTO engine.engine_settings (installation_tag) VALUES (p_installation_tag) ON CONFLICT (only_row) DO NOTHING;
  RETURN (SELECT installation_tag FROM engine.engine_settings);
END
$$;
COMMENT ON FUNCTION engine.fn_init_engine IS
  'Stores the installation tag if there is none; gives the stored one.';
REVOKE ALL ON FUNCTION engine.fn_init_engine FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_init_engine TO holdfast_engine;
