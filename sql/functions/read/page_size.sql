-- Reads the page size of a list filter: 100 unless told, at most 500. Locks nothing, writes nothing.
-- Raises HF422: the filter is no object, or the limit no number.
CREATE OR REPLACE FUNCTION engine.page_size(p_filter jsonb)
RETURNS integer
LANGUAGE plpgsql IMMUTABLE SET search_path = ''
AS $$
BEGIN
  IF jsonb_typeof(coalesce(p_filter, '{}')) <> 'object'
     OR coalesce(p_filter->>'limit', '100') !~ '^[0-9]{1,6}$' THEN
    PERFORM engine.refuse('HF422', 'a filter is an object with a whole limit', jsonb_build_object('filter', p_filter));
  END IF;
  RETURN least(greatest(coalesce((p_filter->>'limit')::integer, 100), 1), 500);
END
$$;
COMMENT ON FUNCTION engine.page_size IS
  'How many rows a list call gives.';
REVOKE ALL ON FUNCTION engine.page_size FROM PUBLIC;
