-- Calls a function of ours with arguments from a JSON array, with the rights of whoever calls this: each argument is
-- a JSON text, number, boolean, null, an array for an array, or any JSON for jsonb.
-- Gives the result as the text of a JSON object: {"type", "value"}, or {"columns", "rows"} for a table. A text, so
-- that no client on the way makes a float of a number in it.
-- Locks and writes what that function does. Raises 42883 no such function or another number of arguments, 42501 the
-- caller may not execute it, 22P02 an argument of another form, and what the function raises.
CREATE OR REPLACE FUNCTION engine.dispatch(p_function text, p_arguments jsonb) RETURNS text
LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
  v_known record := engine.called_function(p_function);
  v_call text;
  v_value jsonb;
BEGIN
  IF jsonb_array_length(p_arguments) > cardinality(v_known.types) THEN
    RAISE EXCEPTION USING ERRCODE = 'undefined_function',
      MESSAGE = format('function engine.%s takes %s arguments', p_function, cardinality(v_known.types));
  END IF;
  SELECT format('engine.%I(%s)', p_function, string_agg(
      CASE WHEN jsonb_typeof(a.given) = 'null' THEN format('NULL::%s', t.name)
        WHEN t.name = 'jsonb' THEN format('($1 -> %s)', a.place - 1)
        WHEN t.name LIKE '%[]' THEN
          format('ARRAY(SELECT pg_catalog.jsonb_array_elements_text($1 -> %s))::%s', a.place - 1, t.name)
        ELSE format('($1 ->> %s)::%s', a.place - 1, t.name) END, ', ' ORDER BY a.place)) INTO v_call
  FROM jsonb_array_elements(p_arguments) WITH ORDINALITY AS a (given, place)
  JOIN unnest(v_known.types) WITH ORDINALITY AS t (name, place) USING (place);
  IF v_known.is_table THEN
    -- from a subquery: a function that returns one column would give its value instead of a row
    EXECUTE format('SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.to_jsonb(r)), ''[]'') FROM (SELECT * FROM %s) AS r',
      v_call) INTO v_value USING p_arguments;
    RETURN jsonb_build_object('columns', v_known.columns, 'rows', v_value);
  ELSIF v_known.result = 'void' THEN
    EXECUTE format('SELECT %s', v_call) USING p_arguments;
  ELSE
    EXECUTE format('SELECT pg_catalog.to_jsonb(%s)', v_call) INTO v_value USING p_arguments;
  END IF;
  RETURN jsonb_build_object('type', v_known.result, 'value', v_value);
END $$;
COMMENT ON FUNCTION engine.dispatch(text, jsonb) IS 'calls a function of ours with arguments from JSON';
REVOKE ALL ON FUNCTION engine.dispatch(text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.dispatch(text, jsonb) TO holdfast_engine, holdfast_reader;
