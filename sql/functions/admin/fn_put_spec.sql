-- Gives a profile the next version of its spec; the caller names the version it has read.
-- Locks the profile's row. Writes profile_specs, profiles, outbox, audit.
-- Raises HF403 foreign tenant; HF404 no such profile; HF409 another version is current; HF422 bad spec or actor.
CREATE OR REPLACE FUNCTION engine.fn_put_spec(
    p_tenant_id uuid, p_profile_id uuid, p_expected_version integer, p_spec jsonb, p_spec_hash text,
    p_actor text
)
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now     timestamptz := engine.fn_clock();
  v_version integer;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  SELECT p.spec_version INTO v_version FROM engine.profiles p
    WHERE p.tenant_id = p_tenant_id AND p.profile_id = p_profile_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such profile', jsonb_build_object('profile_id', p_profile_id));
  END IF;
  IF v_version = p_expected_version + 1 AND EXISTS (SELECT FROM engine.profile_specs s WHERE s.tenant_id = p_tenant_id
      AND s.profile_id = p_profile_id AND s.version = v_version AND s.spec_hash = p_spec_hash AND s.spec = p_spec) THEN
    RETURN v_version;
  END IF;
  IF v_version IS DISTINCT FROM p_expected_version THEN
    PERFORM engine.refuse('HF409', 'the spec has another version',
                          jsonb_build_object('expected', p_expected_version, 'current', v_version));
  END IF;
  v_version := v_version + 1;
  INSERT INTO engine.profile_specs (tenant_id, profile_id, version, spec, spec_hash, actor, created_at)
    VALUES (p_tenant_id, p_profile_id, v_version, engine.checked_spec(p_spec),
            engine.checked_text(p_spec_hash, 'spec_hash'), engine.checked_text(p_actor, 'actor'), v_now);
  UPDATE engine.profiles SET spec_version = v_version WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id;
  PERFORM engine.record_fact(p_tenant_id, NULL, 'profile.spec_changed',
                             jsonb_build_object('version', v_version, 'spec', p_spec), v_now, p_profile_id);
  PERFORM engine.record_audit(p_tenant_id, p_actor, 'put_spec', NULL,
    jsonb_build_object('profile_id', p_profile_id, 'version', v_version, 'spec_hash', p_spec_hash), v_now);
  RETURN v_version;
END
$$;
COMMENT ON FUNCTION engine.fn_put_spec IS
  'Stores the next version of a profile''s spec; gives it. The same spec again changes nothing.';
REVOKE ALL ON FUNCTION engine.fn_put_spec FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_put_spec TO holdfast_engine;
