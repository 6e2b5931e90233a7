-- Sets the mode of the whole engine. It belongs to no tenant, so actor and reason are kept in the row.
-- Locks and writes the engine_settings row. Raises HF404 not initialised; HF422 bad mode, actor or reason.
CREATE OR REPLACE FUNCTION engine.fn_set_engine_mode(p_mode text, p_reason text, p_actor text)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
  UPDATE engine.engine_settings
    SET mode = engine.checked_mode(p_mode),
        mode_reason = engine.checked_text(p_actor, 'actor') || ': ' || engine.checked_text(p_reason, 'reason');
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'the engine is not initialised');
  END IF;
  RETURN engine.fn_engine_settings();
END
$$;
COMMENT ON FUNCTION engine.fn_set_engine_mode IS
  'Sets the engine''s mode; gives the settings.';
REVOKE ALL ON FUNCTION engine.fn_set_engine_mode FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_set_engine_mode TO holdfast_engine;
