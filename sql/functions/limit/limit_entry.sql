-- Holds an entry to the limits of its spec that count or add up, and keeps what the next one is counted by. The caller
-- holds the profile_capital row, so of two entries at once the second sees the first.
-- Reaching the daily loss sets the profile to reducing; an operator resumes it.
-- Locks nothing new. Writes recent_entries, profile_days; at the daily loss profile_capital, outbox, audit.
-- Raises nothing. Returns the denial, NULL if the entry may go on: then it counts.
CREATE OR REPLACE FUNCTION engine.limit_entry(
  p_tenant_id uuid, p_plan engine.intent_plan, p_ignored uuid[], p_now timestamptz
) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  v_spec jsonb;
  v_denial jsonb;
  v_kept interval;
BEGIN
  SELECT spec INTO v_spec FROM engine.profile_specs
  WHERE tenant_id = p_tenant_id AND profile_id = p_plan.profile_id AND version = p_plan.spec_version;
  IF v_spec ? 'max_daily_loss' THEN
    INSERT INTO engine.profile_days AS d (tenant_id, profile_id, day, realized_pnl)
    SELECT p_tenant_id, p_plan.profile_id, (p_now AT TIME ZONE 'UTC')::date,
      engine.realized_at_day_start(p_tenant_id, p_plan.profile_id, p_now)
    WHERE NOT EXISTS (SELECT FROM engine.profile_days WHERE tenant_id = p_tenant_id
      AND profile_id = p_plan.profile_id AND day = (p_now AT TIME ZONE 'UTC')::date)
    ON CONFLICT (tenant_id, profile_id) DO UPDATE SET day = excluded.day, realized_pnl = excluded.realized_pnl;
  END IF;
  v_denial := engine.judge_history(p_tenant_id, p_plan, v_spec, p_ignored, p_now);
  IF v_denial ->> 'limit' = 'max_daily_loss' THEN
    PERFORM engine.reduce_profile(p_tenant_id, p_plan.profile_id, 'max_daily_loss: ' || (v_denial ->> 'value')
      || ' of ' || (v_denial ->> 'allowed'), 'engine:limits', p_now);
  ELSIF v_denial IS NULL AND (v_spec ? 'max_entries_per_minute' OR v_spec ? 'identical_orders') THEN
    v_kept := greatest(interval '1 minute',
      make_interval(secs => coalesce((v_spec #>> '{identical_orders,within_s}')::integer, 0)));
    DELETE FROM engine.recent_entries WHERE tenant_id = p_tenant_id AND profile_id = p_plan.profile_id
      AND opened_at < p_now - v_kept;
    INSERT INTO engine.recent_entries (tenant_id, profile_id, opened_at, intent_id, shape)
    VALUES (p_tenant_id, p_plan.profile_id, p_now, p_plan.intent_id, engine.entry_shape(p_plan));
  END IF;
  RETURN v_denial;
END $$;
COMMENT ON FUNCTION engine.limit_entry(uuid, engine.intent_plan, uuid[], timestamptz) IS
  'holds an entry to what its spec counts';
REVOKE ALL ON FUNCTION engine.limit_entry(uuid, engine.intent_plan, uuid[], timestamptz) FROM PUBLIC;
