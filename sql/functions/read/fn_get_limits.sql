-- Reads what a profile may do now: its effective mode, what is available, and each limit of its spec beside what is
-- used of it. A limit of single orders (and clock_skew_max_ms, which a process measures) has nothing used.
-- Locks nothing, writes nothing. Raises HF403 foreign tenant; HF404 no such profile.
CREATE OR REPLACE FUNCTION engine.fn_get_limits(p_tenant_id uuid, p_profile_id uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
-- what is not finished is few, whatever the planner thinks of a function's rows
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
  v_now      timestamptz := engine.fn_clock();
  v_profile  engine.profiles;
  v_capital  engine.profile_capital;
  v_spec     jsonb;
  v_mode     jsonb;
  v_open     jsonb;
  v_used     jsonb;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  SELECT * INTO v_profile FROM engine.profiles WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such profile', jsonb_build_object('profile_id', p_profile_id));
  END IF;
  SELECT * INTO v_capital FROM engine.profile_capital WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id;
  SELECT spec INTO v_spec FROM engine.profile_specs
    WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id AND version = v_profile.spec_version;
  SELECT p -> 'effective' INTO v_mode FROM jsonb_array_elements(engine.fn_get_modes(p_tenant_id) -> 'profiles') p
    WHERE p ->> 'profile_id' = p_profile_id::text;
  SELECT coalesce(jsonb_object_agg(o.symbol, o.orders), '{}') INTO v_open FROM (
    SELECT i.symbol, count(*) AS orders
    FROM engine.live_intents(p_tenant_id) l
    JOIN engine.intents i ON i.tenant_id = p_tenant_id AND i.intent_id = l
    WHERE i.profile_id = p_profile_id
    GROUP BY i.symbol) o;
  v_used := jsonb_build_object(
    'max_open_orders', jsonb_build_object(
      'profile', (SELECT coalesce(sum(s.value::integer), 0) FROM jsonb_each_text(v_open) s), 'symbol', v_open),
    'max_entries_per_minute', CASE WHEN v_spec ? 'max_entries_per_minute' THEN (SELECT count(*) FROM engine.intents i
      WHERE i.tenant_id = p_tenant_id AND i.profile_id = p_profile_id AND i.kind = 'entry'
        AND i.created_at > v_now - interval '60 seconds') END,
    'max_daily_loss', CASE WHEN v_spec ? 'max_daily_loss' THEN trim_scale(greatest(0, -engine.realized_since(
      p_tenant_id, p_profile_id, date_trunc('day', v_now AT TIME ZONE 'UTC') AT TIME ZONE 'UTC')))::text END,
    'reconciliation_age_max_s', (SELECT ceil(extract(epoch FROM v_now - max(r.finished_at)))::integer
      FROM engine.reconciliation_passes r
      WHERE r.tenant_id = p_tenant_id AND r.account_id = v_profile.account_id
        AND r.outcome IN ('clean', 'healed', 'explained') AND NOT r.dry_run));
  RETURN jsonb_build_object(
    'profile_id', p_profile_id, 'name', v_profile.name, 'at', v_now, 'spec_version', v_profile.spec_version,
    'mode', v_mode, 'may_enter', v_mode ->> 'mode' = 'active' AND v_capital.available > 0,
    'available', trim_scale(v_capital.available)::text,
    'open_orders', v_open,
    'limits', (SELECT coalesce(jsonb_agg(jsonb_build_object('limit', s.key, 'allowed', s.value,
        'used', v_used -> s.key) ORDER BY s.key), '[]') FROM jsonb_each(v_spec) s));
END
$$;
COMMENT ON FUNCTION engine.fn_get_limits IS
  'What a profile may do now: {mode, may_enter, available, open_orders, limits: [{limit, allowed, used}]}.';
REVOKE ALL ON FUNCTION engine.fn_get_limits FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_get_limits TO holdfast_engine, holdfast_operator, holdfast_reader;
