-- Refuses an argument that is no array of 1 to 512 objects, for engine.check_items.
-- Locks and writes nothing. Raises HF422, always; VOLATILE, so that no plan does it beforehand.
CREATE OR REPLACE FUNCTION engine.refuse_items() RETURNS integer
LANGUAGE plpgsql VOLATILE SET search_path = '' AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'HF422', MESSAGE = 'p_items is no array of 1 to 512 objects';
END $$;
COMMENT ON FUNCTION engine.refuse_items() IS 'refuses what is no array of 1 to 512 items';
REVOKE ALL ON FUNCTION engine.refuse_items() FROM PUBLIC;
