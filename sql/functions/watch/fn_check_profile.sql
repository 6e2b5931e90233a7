-- Checks that a profile's books are right, and halts it in this transaction if they are not: the journal rebuilt
-- against what is stored, the invariant, reservations against unresolved intents and open orders, entry locks.
-- p_since is the checkpoint of an earlier call: then only what has happened since and what is open is looked at;
-- NULL: the whole journal and every intent and order that ever was.
-- Answers {equal, checkpoint: {version, balances} or null, checks: {check: number of faults}, violations: [{check, …}] (20 at most of each), halted, mode};
-- halted: by this call. A profile that was resumed without being right is halted again.
-- Locks and writes, on a violation only: profile_capital, outbox, audit. Raises HF403 foreign tenant; HF404; HF422.
CREATE OR REPLACE FUNCTION engine.fn_check_profile(
    p_tenant_id uuid, p_profile_id uuid, p_actor text, p_since jsonb DEFAULT NULL
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now        timestamptz := engine.fn_clock();
  v_rebuilt    jsonb;
  v_faults     jsonb;
  v_checks     jsonb;
  v_violations jsonb;
  v_mode       text;
  v_reason     text;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  -- one statement, one snapshot: what a concurrent transaction changes is seen whole or not at all
  SELECT CASE WHEN p_since IS NULL THEN engine.fn_rebuild_capital(p_tenant_id, p_profile_id)
              ELSE engine.rebuild_since(p_tenant_id, p_profile_id, p_since) END,
    (SELECT coalesce(jsonb_agg(to_jsonb(f)), '[]')
     FROM engine.profile_faults(p_tenant_id, p_profile_id, p_since IS NULL) f)
    INTO v_rebuilt, v_faults;
  SELECT jsonb_build_object('rebuild_equals_stored', CASE WHEN (v_rebuilt->>'equal')::boolean THEN 0 ELSE 1 END)
      || jsonb_object_agg(c.name, (SELECT count(*) FROM jsonb_array_elements(v_faults) f WHERE f->>'check' = c.name))
    INTO v_checks FROM unnest(ARRAY['invariant', 'reservations', 'orders', 'entry_locks']) AS c (name);
  SELECT coalesce(jsonb_agg(f.fault), '[]') INTO v_violations
    FROM (SELECT e.value AS fault, row_number() OVER (PARTITION BY e.value->>'check') AS place
          FROM jsonb_array_elements(v_faults) e) f
    WHERE f.place <= 20;
  IF NOT (v_rebuilt->>'equal')::boolean THEN
    v_violations := jsonb_build_array(jsonb_build_object('check', 'rebuild_equals_stored',
      'differences', v_rebuilt->'differences', 'gap', v_rebuilt->'gap',
      'unbalanced_events', v_rebuilt->'unbalanced_events')) || v_violations;
  END IF;
  IF v_violations = '[]' THEN
    SELECT mode INTO v_mode FROM engine.profile_capital WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id;
    RETURN jsonb_build_object('equal', true, 'checkpoint', jsonb_build_object(
      'version', v_rebuilt->'versions'->'journal', 'balances', v_rebuilt->'rebuilt'), 'checks', v_checks, 'violations', v_violations,
                              'halted', false, 'mode', v_mode);
  END IF;
  SELECT mode INTO v_mode FROM engine.profile_capital
    WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id FOR NO KEY UPDATE;
  IF v_mode <> 'halted' THEN
    SELECT 'watchdog: ' || string_agg(c.key, ', ' ORDER BY c.key) INTO v_reason
      FROM jsonb_each(v_checks) c WHERE c.value <> '0';
    PERFORM engine.halt_profile(p_tenant_id, p_profile_id, NULL, v_reason, v_now);
    PERFORM engine.record_audit(p_tenant_id, p_actor, 'halt', 'INVARIANT_BROKEN', jsonb_build_object(
      'profile_id', p_profile_id, 'before', v_mode, 'reason', v_reason, 'violations', v_violations), v_now);
  END IF;
  RETURN jsonb_build_object('equal', false, 'checkpoint', NULL, 'checks', v_checks, 'violations', v_violations,
                            'halted', v_mode <> 'halted', 'mode', 'halted');
END
$$;
COMMENT ON FUNCTION engine.fn_check_profile IS
  'Checks a profile''s books and halts it if they are wrong.';
REVOKE ALL ON FUNCTION engine.fn_check_profile FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_check_profile TO holdfast_engine;
