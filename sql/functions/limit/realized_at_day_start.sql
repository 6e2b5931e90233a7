-- A profile's realized pnl when the present day (UTC) began: as kept, else by going back from now through what the
-- ledger booked since. Certain only under the profile_capital row.
-- Locks and writes nothing; raises nothing.
CREATE OR REPLACE FUNCTION engine.realized_at_day_start(
  p_tenant_id uuid, p_profile_id uuid, p_now timestamptz
) RETURNS numeric
LANGUAGE plpgsql AS $$
DECLARE
  v_day date := (p_now AT TIME ZONE 'UTC')::date;
  v_realized numeric;
  v_fact record;
BEGIN
  SELECT realized_pnl INTO v_realized FROM engine.profile_days
  WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id AND day = v_day;
  IF FOUND THEN
    RETURN v_realized;
  END IF;
  SELECT trading_pnl - fees INTO v_realized FROM engine.profile_capital
  WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id;
  FOR v_fact IN
    SELECT recorded_at, lines FROM engine.facts
    WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id AND version IS NOT NULL
    ORDER BY version DESC
  LOOP
    EXIT WHEN v_fact.recorded_at < v_day::timestamp AT TIME ZONE 'UTC';
    v_realized := v_realized - coalesce((
      SELECT sum(CASE WHEN (l.line).credit_account IN ('TRADING_PNL', 'FEES') THEN (l.line).amount ELSE 0 END
               - CASE WHEN (l.line).debit_account IN ('TRADING_PNL', 'FEES') THEN (l.line).amount ELSE 0 END)
      FROM (SELECT v_fact.lines[n] AS line FROM generate_subscripts(v_fact.lines, 1) n) l), 0);
  END LOOP;
  RETURN v_realized;
END $$;
COMMENT ON FUNCTION engine.realized_at_day_start(uuid, uuid, timestamptz) IS 'realized pnl when the day began';
REVOKE ALL ON FUNCTION engine.realized_at_day_start(uuid, uuid, timestamptz) FROM PUBLIC;
