-- Goes on from where a rebuild of a profile's balances was equal: {version, balances} and the events since give what
-- must be stored now. Costs what has happened since, not what ever happened; answers as fn_rebuild_capital does.
-- One snapshot (STABLE). Locks nothing, writes nothing. Raises HF404 no such profile.
CREATE OR REPLACE FUNCTION engine.rebuild_since(p_tenant_id uuid, p_profile_id uuid, p_since jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
  v_from        bigint := (p_since->>'version')::bigint;
  v_capital     engine.profile_capital;
  v_stored      jsonb;
  v_rebuilt     jsonb;
  v_new         record;
  v_held        jsonb;
  v_differences jsonb;
  v_gap         boolean;
BEGIN
  SELECT * INTO v_capital FROM engine.profile_capital WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such profile', jsonb_build_object('profile_id', p_profile_id));
  END IF;
  v_stored := jsonb_build_object('CAPITAL', v_capital.allocated, 'AVAILABLE', v_capital.available,
    'RESERVED_FOR_ORDERS', v_capital.reserved_for_orders, 'RESERVED_FOR_POSITIONS', v_capital.reserved_for_positions,
    'DUST', v_capital.dust, 'TRADING_PNL', v_capital.trading_pnl, 'FEES', v_capital.fees);
  SELECT count(*) AS events, coalesce(max(f.version), v_from) AS last,
      count(*) FILTER (WHERE f.lines IS NULL) AS empty INTO v_new
    FROM engine.facts f WHERE f.tenant_id = p_tenant_id AND f.profile_id = p_profile_id AND f.version > v_from;
  SELECT jsonb_object_agg(b.key, trim_scale(b.value::numeric + coalesce(m.moved, 0))::text) INTO v_rebuilt
    FROM jsonb_each_text(p_since->'balances') b
    LEFT JOIN (
      SELECT l.account, sum(l.amount) * CASE WHEN l.account IN ('CAPITAL', 'TRADING_PNL') THEN -1 ELSE 1 END AS moved
      FROM engine.facts f
      CROSS JOIN LATERAL unnest(f.lines) AS j (debit_account, credit_account, amount, debit_balance, credit_balance)
      CROSS JOIN LATERAL (VALUES (j.debit_account, j.amount), (j.credit_account, -j.amount)) AS l (account, amount)
      WHERE f.tenant_id = p_tenant_id AND f.profile_id = p_profile_id AND f.version > v_from
      GROUP BY l.account) m ON m.account = b.key;
  SELECT coalesce(jsonb_agg(jsonb_build_object('what', 'balance', 'account', s.key,
      'stored', trim_scale(s.value::numeric)::text, 'rebuilt', v_rebuilt->>s.key) ORDER BY s.key), '[]')
    INTO v_differences
    FROM jsonb_each_text(v_stored) s WHERE s.value::numeric IS DISTINCT FROM (v_rebuilt->>s.key)::numeric;
  v_held := engine.held_against_ledger(p_tenant_id, p_profile_id);
  v_gap := v_new.last <> v_from + v_new.events OR v_new.last <> v_capital.version;
  RETURN jsonb_build_object('equal', v_differences = '[]' AND v_held = '[]' AND NOT v_gap AND v_new.empty = 0,
    'rebuilt', v_rebuilt, 'versions', jsonb_build_object('stored', v_capital.version, 'journal', v_new.last),
    'gap', v_gap, 'unbalanced_events', v_new.empty, 'differences', v_differences || v_held);
END
$$;
COMMENT ON FUNCTION engine.rebuild_since IS
  'Rebuilds a profile''s balances from a checkpoint and the events since.';
REVOKE ALL ON FUNCTION engine.rebuild_since FROM PUBLIC;
