-- Locks a dead letter that an operator wants to act on.
-- Locks dead_letters FOR NO KEY UPDATE. Writes nothing. Raises HF404 no such dead letter.
CREATE OR REPLACE FUNCTION engine.lock_dead_letter(p_tenant_id uuid, p_dead_letter_id uuid)
RETURNS engine.dead_letters
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
  v_letter engine.dead_letters;
BEGIN
  SELECT * INTO v_letter FROM engine.dead_letters
  WHERE tenant_id = p_tenant_id AND dead_letter_id = p_dead_letter_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such dead letter', jsonb_build_object('dead_letter_id', p_dead_letter_id));
  END IF;
  RETURN v_letter;
END
$$;
COMMENT ON FUNCTION engine.lock_dead_letter IS
  'A locked dead letter.';
REVOKE ALL ON FUNCTION engine.lock_dead_letter FROM PUBLIC;
