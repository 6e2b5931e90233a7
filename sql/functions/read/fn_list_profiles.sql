-- Lists profiles with their present spec and mode. Locks nothing, writes nothing. Raises HF403 foreign tenant.
CREATE OR REPLACE FUNCTION engine.fn_list_profiles(p_tenant_id uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  RETURN (
    SELECT coalesce(jsonb_agg(jsonb_build_object('profile_id', p.profile_id, 'name', p.name, 'account_id', p.account_id,
      'quote_asset', p.quote_asset, 'spec_version', p.spec_version, 'spec', s.spec, 'spec_hash', s.spec_hash,
      'mode', c.mode, 'mode_reason', c.mode_reason, 'created_at', p.created_at) ORDER BY p.name), '[]')
    FROM engine.profiles p JOIN engine.profile_capital c USING (tenant_id, profile_id)
    JOIN engine.profile_specs s
      ON s.tenant_id = p.tenant_id AND s.profile_id = p.profile_id AND s.version = p.spec_version
    WHERE p.tenant_id = p_tenant_id);
END
$$;
COMMENT ON FUNCTION engine.fn_list_profiles IS
  'Profiles by name.';
REVOKE ALL ON FUNCTION engine.fn_list_profiles FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_list_profiles TO holdfast_engine, holdfast_operator, holdfast_reader;
