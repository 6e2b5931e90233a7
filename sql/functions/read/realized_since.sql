-- Sums what a profile has realized since a moment: pnl of its exits less fees, corrections included. Walks its events
-- backwards by version and stops at the first older one, so that a long history costs nothing.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.realized_since(p_tenant_id uuid, p_profile_id uuid, p_since timestamptz)
RETURNS numeric
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
  v_sum  numeric := 0;
  v_fact record;
BEGIN
  FOR v_fact IN
    SELECT f.recorded_at, f.lines FROM engine.facts f
    WHERE f.tenant_id = p_tenant_id AND f.profile_id = p_profile_id AND f.version IS NOT NULL
    ORDER BY f.version DESC
  LOOP
    EXIT WHEN v_fact.recorded_at < p_since;
    v_sum := v_sum + (
      SELECT coalesce(sum(CASE
          WHEN l.credit_account IN ('TRADING_PNL', 'FEES') THEN l.amount ELSE 0 END - CASE
          WHEN l.debit_account IN ('TRADING_PNL', 'FEES') THEN l.amount ELSE 0 END), 0)
      FROM unnest(v_fact.lines) l);
  END LOOP;
  RETURN v_sum;
END
$$;
COMMENT ON FUNCTION engine.realized_since IS
  'Realized pnl of a profile since a moment, in its quote asset; negative is a loss.';
REVOKE ALL ON FUNCTION engine.realized_since FROM PUBLIC;
