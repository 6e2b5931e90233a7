-- Creates a profile with version 1 of its spec and an empty capital row.
-- Locks nothing. Writes profiles, profile_specs, profile_capital, outbox, audit.
-- Raises HF403 foreign tenant; HF404 no such account; HF415 id or name exists; HF422 bad name, asset, spec or actor.
CREATE OR REPLACE FUNCTION engine.fn_create_profile(
    p_tenant_id uuid, p_profile_id uuid, p_account_id uuid, p_name text, p_quote_asset text,
    p_spec jsonb, p_spec_hash text, p_actor text
)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now  timestamptz := engine.fn_clock();
  v_fact jsonb;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  PERFORM engine.require_account(p_tenant_id, p_account_id);
  INSERT INTO engine.profiles (tenant_id, profile_id, account_id, name, quote_asset, spec_version, created_at)
    VALUES (p_tenant_id, p_profile_id, p_account_id, engine.checked_name(p_name, 'name'),
            engine.checked_name(p_quote_asset, 'quote_asset'), 1, v_now)
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF415', 'a profile of this id or name exists', jsonb_build_object('name', p_name));
  END IF;
  INSERT INTO engine.profile_specs (tenant_id, profile_id, version, spec, spec_hash, actor, created_at)
    VALUES (p_tenant_id, p_profile_id, 1, engine.checked_spec(p_spec), engine.checked_text(p_spec_hash, 'spec_hash'),
            engine.checked_text(p_actor, 'actor'), v_now);
  INSERT INTO engine.profile_capital (tenant_id, profile_id, updated_at) VALUES (p_tenant_id, p_profile_id, v_now);
  v_fact := jsonb_build_object('name', p_name, 'account_id', p_account_id, 'quote_asset', p_quote_asset, 'spec', p_spec);
  PERFORM engine.record_fact(p_tenant_id, NULL, 'profile.created', v_fact, v_now, p_profile_id);
  PERFORM engine.record_audit(p_tenant_id, p_actor, 'create_profile', NULL,
                              v_fact || jsonb_build_object('profile_id', p_profile_id), v_now);
  RETURN p_profile_id;
END
$$;
COMMENT ON FUNCTION engine.fn_create_profile IS
  'Creates a profile; gives its id.';
REVOKE ALL ON FUNCTION engine.fn_create_profile FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_create_profile TO holdfast_engine;
