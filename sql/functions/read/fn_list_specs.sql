-- Lists the versions of a profile's spec without their rules, newest first. p_filter: before (a version), limit.
-- Locks nothing, writes nothing. Raises HF403 foreign tenant; HF404 no such profile; HF422 bad filter.
CREATE OR REPLACE FUNCTION engine.fn_list_specs(p_tenant_id uuid, p_profile_id uuid, p_filter jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_limit integer := engine.page_size(p_filter);
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  IF NOT EXISTS (SELECT FROM engine.profiles WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id) THEN
    PERFORM engine.refuse('HF404', 'no such profile', jsonb_build_object('profile_id', p_profile_id));
  END IF;
  RETURN (
    SELECT coalesce(jsonb_agg(jsonb_build_object('version', s.version, 'revision', s.spec_hash, 'actor', s.actor,
      'created_at', s.created_at) ORDER BY s.version DESC), '[]')
    FROM (
      SELECT s.* FROM engine.profile_specs s
      WHERE s.tenant_id = p_tenant_id AND s.profile_id = p_profile_id
        AND (p_filter->>'before' IS NULL OR s.version < (p_filter->>'before')::bigint)
      ORDER BY s.version DESC LIMIT v_limit) s);
END
$$;
COMMENT ON FUNCTION engine.fn_list_specs IS
  'Versions of a spec, newest first.';
REVOKE ALL ON FUNCTION engine.fn_list_specs FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_list_specs TO holdfast_engine, holdfast_operator, holdfast_reader;
