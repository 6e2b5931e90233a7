-- Gives a profile the next version of its spec by a robot's call: claims its key, compares the version that the
-- caller has read, writes, and keeps the answer, all in one transaction.
-- p_if_match: tags "<version>-<hash>" of which one must be the current one's, or '*'.
-- Locks: the key's row, the profile's row. Writes request_keys, profile_specs, profiles, outbox, audit.
-- Raises HF403 foreign tenant; HF404 no such profile; HF413 no key; HF414 key of another request; HF417 none of the
-- tags is the current one's; HF422 bad spec or actor. A refusal leaves the key free.
CREATE OR REPLACE FUNCTION engine.fn_change_spec(
  p_tenant_id uuid, p_robot_id uuid, p_key text, p_request_hash text, p_profile_id uuid, p_if_match text[],
  p_spec jsonb, p_spec_hash text, p_actor text
) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  v_kept    jsonb;
  v_version integer;
  v_tag     text;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  v_kept := engine.claim_request(p_tenant_id, p_robot_id, p_key, p_request_hash, engine.fn_clock());
  IF v_kept IS NOT NULL THEN
    RETURN v_kept || '{"replay": true}';
  END IF;
  SELECT spec_version INTO v_version FROM engine.profiles
    WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such profile', jsonb_build_object('profile_id', p_profile_id));
  END IF;
  SELECT v_version || '-' || spec_hash INTO STRICT v_tag FROM engine.profile_specs
    WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id AND version = v_version;
  IF (p_if_match && ARRAY[v_tag, '*']) IS NOT TRUE THEN
    PERFORM engine.refuse('HF417', 'the spec has another version',
                          jsonb_build_object('current_version', v_version, 'current_etag', '"' || v_tag || '"'));
  END IF;
  v_version := engine.fn_put_spec(p_tenant_id, p_profile_id, v_version, p_spec, p_spec_hash, p_actor);
  RETURN engine.keep_answer(p_tenant_id, p_robot_id, p_key,
    engine.fn_get_spec(p_tenant_id, p_profile_id, v_version)) || '{"replay": false}';
END $$;
COMMENT ON FUNCTION engine.fn_change_spec(uuid, uuid, text, text, uuid, text[], jsonb, text, text) IS
  'stores the next version of a spec under an idempotency key; gives what fn_get_spec shows of it, and replay';
REVOKE ALL ON FUNCTION engine.fn_change_spec(uuid, uuid, text, text, uuid, text[], jsonb, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_change_spec(uuid, uuid, text, text, uuid, text[], jsonb, text, text)
  TO holdfast_engine;
