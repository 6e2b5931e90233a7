-- Works a profile's balances out from the journal alone and compares them with what is stored: balances, versions
-- without gap, events without journal, reservations and positions. One snapshot (STABLE), read only.
-- Answers {equal, stored, rebuilt, versions: {stored, journal}, gap, unbalanced_events, reservations_equal,
-- positions_equal, differences}.
-- Locks nothing, writes nothing. Raises HF403 foreign tenant; HF404 no such profile.
CREATE OR REPLACE FUNCTION engine.fn_rebuild_capital(p_tenant_id uuid, p_profile_id uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_capital     engine.profile_capital;
  v_stored      jsonb;
  v_rebuilt     jsonb;
  v_last        jsonb;
  v_versions    record;
  v_unbalanced  bigint;
  v_held        jsonb;
  v_differences jsonb;
  v_gap         boolean;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  SELECT * INTO v_capital FROM engine.profile_capital WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such profile', jsonb_build_object('profile_id', p_profile_id));
  END IF;
  v_stored := jsonb_build_object('CAPITAL', trim_scale(v_capital.allocated)::text,
    'AVAILABLE', trim_scale(v_capital.available)::text,
    'RESERVED_FOR_ORDERS', trim_scale(v_capital.reserved_for_orders)::text,
    'RESERVED_FOR_POSITIONS', trim_scale(v_capital.reserved_for_positions)::text,
    'DUST', trim_scale(v_capital.dust)::text, 'TRADING_PNL', trim_scale(v_capital.trading_pnl)::text,
    'FEES', trim_scale(v_capital.fees)::text);
  v_rebuilt := engine.journal_balances(p_tenant_id, p_profile_id);
  v_last := engine.last_balances(p_tenant_id, p_profile_id);
  SELECT coalesce(max(e.version), 0) AS last, count(*) AS events, coalesce(min(e.version), 1) AS first INTO v_versions
    FROM engine.economic_events e WHERE e.tenant_id = p_tenant_id AND e.profile_id = p_profile_id;
  SELECT (SELECT count(*) FROM engine.economic_events e WHERE e.tenant_id = p_tenant_id AND e.profile_id = p_profile_id
            AND NOT EXISTS (SELECT FROM engine.journal j
              WHERE j.tenant_id = e.tenant_id AND j.event_id = e.event_id AND j.profile_id = e.profile_id))
       + (SELECT count(DISTINCT j.event_id) FROM engine.journal j
          WHERE j.tenant_id = p_tenant_id AND j.profile_id = p_profile_id AND NOT EXISTS (
            SELECT FROM engine.economic_events e WHERE e.tenant_id = j.tenant_id AND e.event_id = j.event_id
              AND e.profile_id = j.profile_id)) INTO v_unbalanced;
  v_held := engine.held_against_ledger(p_tenant_id, p_profile_id);
  SELECT coalesce(jsonb_agg(jsonb_build_object('what', 'balance', 'account', s.key, 'stored', s.value,
      'rebuilt', v_rebuilt->>s.key, 'last_row', coalesce(v_last->>s.key, '0')) ORDER BY s.key), '[]') INTO v_differences
    FROM jsonb_each_text(v_stored) s
    WHERE s.value <> v_rebuilt->>s.key OR s.value <> coalesce(v_last->>s.key, '0');
  v_gap := v_versions.last <> v_versions.events OR v_versions.first <> 1 OR v_versions.last <> v_capital.version;
  RETURN jsonb_build_object(
    'equal', v_differences = '[]' AND v_held = '[]' AND NOT v_gap AND v_unbalanced = 0,
    'stored', v_stored, 'rebuilt', v_rebuilt,
    'versions', jsonb_build_object('stored', v_capital.version, 'journal', v_versions.last), 'gap', v_gap,
    'unbalanced_events', v_unbalanced,
    'reservations_equal', NOT v_held @> '[{"what": "reservations"}]',
    'positions_equal', NOT (v_held @> '[{"what": "positions"}]' OR v_held @> '[{"what": "dust"}]'),
    'differences', v_differences || v_held);
END
$$;
COMMENT ON FUNCTION engine.fn_rebuild_capital IS
  'Rebuilds a profile''s balances from its journal and says what differs.';
REVOKE ALL ON FUNCTION engine.fn_rebuild_capital FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_rebuild_capital TO holdfast_engine, holdfast_operator, holdfast_reader;
