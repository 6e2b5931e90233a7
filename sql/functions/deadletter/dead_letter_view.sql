-- What an operator is shown of a dead letter. Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.dead_letter_view(p_letter engine.dead_letters)
RETURNS jsonb
LANGUAGE sql STABLE SET search_path = ''
AS $$
  SELECT jsonb_build_object('dead_letter_id', p_letter.dead_letter_id, 'direction', p_letter.direction,
    'source', p_letter.source, 'state', p_letter.state, 'code', p_letter.code, 'attempts', p_letter.attempts,
    'created_at', p_letter.created_at, 'trace', p_letter.trace, 'payload', p_letter.payload)
$$;
COMMENT ON FUNCTION engine.dead_letter_view IS
  'A dead letter as JSON.';
REVOKE ALL ON FUNCTION engine.dead_letter_view FROM PUBLIC;
