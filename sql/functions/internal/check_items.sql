-- Refuses an argument that is no array of 1 to 512 objects.
-- Locks and writes nothing. Raises HF422.
CREATE OR REPLACE FUNCTION engine.check_items(p_items jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF jsonb_typeof(p_items) IS DISTINCT FROM 'array' OR jsonb_array_length(p_items) NOT BETWEEN 1 AND 512 THEN
    RAISE EXCEPTION USING ERRCODE = 'HF422', MESSAGE = 'p_items is no array of 1 to 512 objects';
  END IF;
END $$;
COMMENT ON FUNCTION engine.check_items(jsonb) IS 'refuses what is no array of 1 to 512 items';
REVOKE ALL ON FUNCTION engine.check_items(jsonb) FROM PUBLIC;
