-- How many items an argument holds, never NULL; refuses one that is no array of 1 to 512.
-- One expression without a SET clause, so that it is inlined into its callers; its names are qualified, operators too.
-- Only an array contains the empty one: no object does, and no scalar, whose length cannot be asked for.
-- Locks and writes nothing. Raises HF422.
CREATE OR REPLACE FUNCTION engine.check_items(p_items jsonb) RETURNS integer
LANGUAGE sql AS $$
  SELECT CASE
    WHEN p_items OPERATOR(pg_catalog.@>) '[]'::pg_catalog.jsonb
      AND pg_catalog.jsonb_array_length(p_items) OPERATOR(pg_catalog.>=) 1
      AND pg_catalog.jsonb_array_length(p_items) OPERATOR(pg_catalog.<=) 512
      THEN pg_catalog.jsonb_array_length(p_items)
    ELSE engine.refuse_items() END
$$;
COMMENT ON FUNCTION engine.check_items(jsonb) IS 'number of items, 1 to 512, or a refusal';
REVOKE ALL ON FUNCTION engine.check_items(jsonb) FROM PUBLIC;
