-- Reads the capital of one profile (an object) or, with NULL, of all (an array by name).
-- Locks nothing, writes nothing. Raises HF403 foreign tenant; HF404 no such profile.
CREATE OR REPLACE FUNCTION engine.fn_get_capital(p_tenant_id uuid, p_profile_id uuid)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_views jsonb;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  SELECT coalesce(jsonb_agg(v.view ORDER BY v.view->>'name'), '[]') INTO v_views
    FROM (SELECT engine.capital_view(c) AS view FROM engine.profile_capital c
          WHERE c.tenant_id = p_tenant_id AND (p_profile_id IS NULL OR c.profile_id = p_profile_id)) v;
  IF p_profile_id IS NULL THEN
    RETURN v_views;
  ELSIF v_views = '[]' THEN
    PERFORM engine.refuse('HF404', 'no such profile', jsonb_build_object('profile_id', p_profile_id));
  END IF;
  RETURN v_views->0;
END
$$;
COMMENT ON FUNCTION engine.fn_get_capital IS
  'Capital figures, mode and the invariant worked out from its parts.';
REVOKE ALL ON FUNCTION engine.fn_get_capital FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_get_capital TO holdfast_engine, holdfast_operator, holdfast_reader;
