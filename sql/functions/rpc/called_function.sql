-- The function of ours that a call over RPC names, with what the call has to know of it.
-- Only fn_* of this schema can be named; whether the caller may execute it PostgreSQL itself decides later.
-- Locks and writes nothing. Raises 42883 as PostgreSQL does for a function that does not exist.
CREATE OR REPLACE FUNCTION engine.called_function(
  p_function text, OUT types text[], OUT columns jsonb, OUT result text, OUT is_table boolean, OUT takes_tenant boolean,
  OUT changes boolean
)
LANGUAGE plpgsql STABLE SET search_path = '' AS $$
DECLARE
  v_found pg_catalog.pg_proc;
BEGIN
  SELECT * INTO v_found FROM pg_catalog.pg_proc p
  WHERE p.pronamespace = 'engine'::regnamespace AND p.proname = p_function AND p.proname LIKE 'fn\_%';
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'undefined_function', MESSAGE = format('function engine.%s does not exist', p_function);
  END IF;
  types := ARRAY(SELECT format_type(t.oid, NULL) FROM unnest(v_found.proargtypes) WITH ORDINALITY AS t (oid, place)
                 ORDER BY t.place);
  result := format_type(v_found.prorettype, NULL);
  is_table := v_found.proretset;
  takes_tenant := v_found.proargnames[1] = 'p_tenant_id';
  -- what a reader may call, or what is declared to change nothing, is asked again without harm
  changes := v_found.provolatile = 'v' AND NOT has_function_privilege('holdfast_reader', v_found.oid, 'EXECUTE');
  columns := CASE WHEN is_table THEN (
    SELECT jsonb_object_agg(v_found.proargnames[a.place], format_type(a.oid, NULL))
    FROM unnest(v_found.proallargtypes) WITH ORDINALITY AS a (oid, place) WHERE v_found.proargmodes[a.place] = 't') END;
END $$;
COMMENT ON FUNCTION engine.called_function(text) IS 'what a call over RPC has to know of the function it names';
REVOKE ALL ON FUNCTION engine.called_function(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.called_function(text) TO holdfast_engine, holdfast_reader;
