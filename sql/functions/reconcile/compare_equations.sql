-- Compares what the exchange holds with what the ledger says, per asset: {state, mismatches}. Balances prove something
-- only if no trade happened around their read and all that happened before it is booked; state says compared, partly
-- (an asset was not reported, which is not zero, or waits for the trades of an inferred fill), or why not. That
-- profiles hold more than there is (unassigned below zero) needs no balances. p_moves: not booked yet, in a dry run.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.compare_equations(
    p_account engine.exchange_accounts, p_part jsonb, p_moves engine.foreign_move[], p_postponed boolean
)
RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
  v_state text := engine.equations_state(p_account, p_part, p_postponed);
  v_uncertain text[] := engine.uncertain_assets(p_account.tenant_id, p_account.account_id);
BEGIN
  RETURN (
    WITH told AS MATERIALIZED (
      SELECT e.asset, e.profiles, e.unassigned
      FROM jsonb_to_recordset(engine.fn_account_equations(p_account.tenant_id, p_account.account_id))
        AS e (asset text, profiles numeric, unassigned numeric)
      UNION ALL
      SELECT m.asset, 0, m.delta FROM unnest(p_moves) m
    ), ours AS MATERIALIZED (
      SELECT asset, sum(profiles) AS profiles, sum(unassigned) AS unassigned FROM told GROUP BY asset
    ), sides AS MATERIALIZED (
      SELECT coalesce(o.asset, b.asset) AS asset, coalesce(o.profiles, 0) AS profiles,
        coalesce(o.unassigned, 0) AS unassigned, coalesce(o.profiles + o.unassigned, 0) AS expected,
        CASE WHEN v_state = 'compared' AND coalesce(o.asset, b.asset) <> ALL (v_uncertain)
          THEN b.total::numeric END AS exchange
      FROM ours o
      FULL JOIN (SELECT x.key AS asset, x.value AS total FROM jsonb_each_text(
        CASE jsonb_typeof(p_part -> 'balances') WHEN 'object' THEN p_part -> 'balances' ELSE '{}' END) x) b
        ON b.asset = o.asset
    ), found AS (
      SELECT k.kind, s.* FROM sides s, LATERAL unnest(ARRAY[
        CASE WHEN NOT engine.same_number(s.exchange, s.expected)
          THEN CASE WHEN s.exchange > s.expected THEN 'balance_surplus' ELSE 'balance_shortfall' END END,
        CASE WHEN s.unassigned < 0 AND NOT engine.same_number(0, s.unassigned) THEN 'holdings_shortfall' END]) k (kind)
      WHERE k.kind IS NOT NULL
    )
    SELECT jsonb_build_object('state', CASE WHEN v_state = 'compared' AND EXISTS (SELECT FROM sides s
        WHERE s.exchange IS NULL AND NOT engine.same_number(0, s.expected)) THEN 'partly' ELSE v_state END,
      'mismatches', coalesce(jsonb_agg(jsonb_build_object('kind', f.kind, 'key', f.asset,
        'detail', jsonb_strip_nulls(jsonb_build_object('asset', f.asset, 'profiles', trim_scale(f.profiles)::text,
          'unassigned', trim_scale(f.unassigned)::text, 'expected', trim_scale(f.expected)::text,
          'exchange', trim_scale(f.exchange)::text,
          'difference', trim_scale(f.exchange - f.expected)::text))) ORDER BY f.kind, f.asset), '[]'))
    FROM found f);
END
$$;
COMMENT ON FUNCTION engine.compare_equations IS
  'Compares an account''s equations with the exchange''s balances.';
REVOKE ALL ON FUNCTION engine.compare_equations FROM PUBLIC;
