-- Judges an entry by what its profile has done: open orders (an intent that may be at the exchange is one), entries
-- of the last minute, identical ones, and the loss realized since the day (UTC) began.
-- p_ignored: intents written in this transaction that are not decided yet. Certain only under the profile_capital row.
-- Locks and writes nothing; raises nothing. NULL if nothing speaks against it.
CREATE OR REPLACE FUNCTION engine.judge_history(
  p_tenant_id uuid, p_plan engine.intent_plan, p_spec jsonb, p_ignored uuid[], p_now timestamptz
) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
  v_all bigint;
  v_same bigint;
  v_loss numeric;
  v_within interval := make_interval(secs => coalesce((p_spec #>> '{identical_orders,within_s}')::integer, 0));
BEGIN
  IF p_spec ? 'max_open_orders' THEN
    SELECT count(*) + 1, count(*) FILTER (WHERE i.symbol = p_plan.symbol) + 1 INTO v_all, v_same
    FROM engine.intents i LEFT JOIN engine.orders o USING (tenant_id, intent_id)
    WHERE i.tenant_id = p_tenant_id AND i.profile_id = p_plan.profile_id AND i.released_at IS NULL
      AND (i.state IN ('sending', 'in_doubt', 'needs_operator') OR o.status = 'open')
      AND i.intent_id <> ALL (p_ignored);
    IF v_all > (p_spec #>> '{max_open_orders,profile}')::bigint THEN
      RETURN jsonb_build_object('code', 'LIMIT_EXCEEDED', 'limit', 'max_open_orders', 'value', v_all,
        'of', 'profile', 'allowed', p_spec #> '{max_open_orders,profile}');
    ELSIF v_same > (p_spec #>> '{max_open_orders,symbol}')::bigint THEN
      RETURN jsonb_build_object('code', 'LIMIT_EXCEEDED', 'limit', 'max_open_orders', 'value', v_same,
        'of', 'symbol', 'allowed', p_spec #> '{max_open_orders,symbol}', 'symbol', p_plan.symbol);
    END IF;
  END IF;
  IF p_spec ? 'max_entries_per_minute' OR p_spec ? 'identical_orders' THEN
    SELECT count(*) FILTER (WHERE opened_at > p_now - interval '1 minute') + 1,
      count(*) FILTER (WHERE opened_at > p_now - v_within AND shape = engine.entry_shape(p_plan)) + 1
    INTO v_all, v_same
    FROM engine.recent_entries WHERE tenant_id = p_tenant_id AND profile_id = p_plan.profile_id
      AND opened_at > p_now - greatest(v_within, interval '1 minute');
    IF v_all > (p_spec ->> 'max_entries_per_minute')::bigint THEN
      RETURN jsonb_build_object('code', 'LIMIT_EXCEEDED', 'limit', 'max_entries_per_minute', 'value', v_all,
        'allowed', p_spec -> 'max_entries_per_minute');
    ELSIF v_same > (p_spec #>> '{identical_orders,count}')::bigint THEN
      RETURN jsonb_build_object('code', 'LIMIT_EXCEEDED', 'limit', 'identical_orders', 'value', v_same,
        'allowed', p_spec #> '{identical_orders,count}', 'within_s', p_spec #> '{identical_orders,within_s}');
    END IF;
  END IF;
  IF p_spec ? 'max_daily_loss' THEN
    v_loss := engine.realized_at_day_start(p_tenant_id, p_plan.profile_id, p_now) - (
      SELECT trading_pnl - fees FROM engine.profile_capital
      WHERE tenant_id = p_tenant_id AND profile_id = p_plan.profile_id);
    IF v_loss >= (p_spec ->> 'max_daily_loss')::numeric AND v_loss > 0 THEN
      RETURN jsonb_build_object('code', 'LIMIT_EXCEEDED', 'limit', 'max_daily_loss',
        'value', trim_scale(v_loss)::text, 'allowed', p_spec ->> 'max_daily_loss');
    END IF;
  END IF;
  RETURN NULL;
END $$;
COMMENT ON FUNCTION engine.judge_history(uuid, engine.intent_plan, jsonb, uuid[], timestamptz) IS
  'judges an entry by what its profile has done';
REVOKE ALL ON FUNCTION engine.judge_history(uuid, engine.intent_plan, jsonb, uuid[], timestamptz) FROM PUBLIC;
