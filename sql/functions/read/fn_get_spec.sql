-- Reads one version of a profile's spec; NULL means the current one.
-- Locks nothing, writes nothing. Raises HF403 foreign tenant; HF404 no such profile, or no such version of its spec.
CREATE OR REPLACE FUNCTION engine.fn_get_spec(p_tenant_id uuid, p_profile_id uuid, p_version integer)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_view jsonb;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  SELECT jsonb_build_object('profile_id', p.profile_id, 'name', p.name, 'version', s.version,
      'current', s.version = p.spec_version, 'revision', s.spec_hash, 'spec', s.spec, 'actor', s.actor,
      'created_at', s.created_at)
    INTO v_view
    FROM engine.profiles p JOIN engine.profile_specs s
      ON s.tenant_id = p.tenant_id AND s.profile_id = p.profile_id AND s.version = coalesce(p_version, p.spec_version)
    WHERE p.tenant_id = p_tenant_id AND p.profile_id = p_profile_id;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such profile, or no such version of its spec',
                          jsonb_build_object('profile_id', p_profile_id, 'version', p_version));
  END IF;
  RETURN v_view;
END
$$;
COMMENT ON FUNCTION engine.fn_get_spec IS
  'One version of a spec: {profile_id, name, version, current, revision, spec, actor, created_at}.';
REVOKE ALL ON FUNCTION engine.fn_get_spec FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_get_spec TO holdfast_engine, holdfast_operator, holdfast_reader;
