-- Reads the engine's own settings; NULL before fn_init_engine. Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.fn_engine_settings()
RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
  SELECT jsonb_build_object('mode', mode, 'mode_reason', mode_reason, 'strict_idempotency', strict_idempotency,
                            'installation_tag', installation_tag)
  FROM engine.engine_settings
$$;
COMMENT ON FUNCTION engine.fn_engine_settings IS
  'The engine''s mode, strictness and installation tag.';
REVOKE ALL ON FUNCTION engine.fn_engine_settings FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_engine_settings TO holdfast_engine, holdfast_operator, holdfast_reader;
