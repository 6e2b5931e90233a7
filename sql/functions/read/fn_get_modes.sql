-- Reads every mode that has a say in a tenant's entries: the engine's, its own, its accounts' and its profiles', and
-- for each profile which of them is the strictest (by the very function that denies by modes).
-- Locks nothing, writes nothing. Raises HF403 foreign tenant; HF404 no such tenant.
CREATE OR REPLACE FUNCTION engine.fn_get_modes(p_tenant_id uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_engine engine.engine_settings;
  v_tenant engine.tenants;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  PERFORM engine.require_tenant(p_tenant_id);
  SELECT * INTO v_engine FROM engine.engine_settings;
  SELECT * INTO v_tenant FROM engine.tenants WHERE tenant_id = p_tenant_id;
  RETURN jsonb_build_object(
    'engine', jsonb_build_object('mode', coalesce(v_engine.mode, 'active'), 'reason', v_engine.mode_reason),
    'tenant', jsonb_build_object('mode', v_tenant.mode, 'reason', v_tenant.mode_reason),
    'accounts', (
      SELECT coalesce(jsonb_agg(jsonb_build_object('account_id', a.account_id, 'name', a.name, 'mode', a.mode,
        'reason', a.mode_reason) ORDER BY a.name), '[]')
      FROM engine.exchange_accounts a WHERE a.tenant_id = p_tenant_id),
    'profiles', (
      SELECT coalesce(jsonb_agg(jsonb_build_object('profile_id', p.profile_id, 'name', p.name, 'mode', c.mode,
        'reason', c.mode_reason,
        'effective', CASE WHEN s.denial IS NULL THEN '{"mode": "active", "level": null, "reason": null}'
          ELSE jsonb_build_object('mode', lower(substr(s.denial ->> 'code', 6)), 'level', s.denial -> 'level',
                                  'reason', s.denial -> 'reason') END) ORDER BY p.name), '[]')
      FROM engine.profiles p
      JOIN engine.profile_capital c USING (tenant_id, profile_id)
      JOIN engine.exchange_accounts a USING (tenant_id, account_id)
      CROSS JOIN LATERAL (SELECT engine.mode_denial(
        ARRAY[coalesce(v_engine.mode, 'active'), v_tenant.mode, a.mode, c.mode]::text[],
        ARRAY[v_engine.mode_reason, v_tenant.mode_reason, a.mode_reason, c.mode_reason]) AS denial) s
      WHERE p.tenant_id = p_tenant_id));
END
$$;
COMMENT ON FUNCTION engine.fn_get_modes IS
  'Modes of engine, tenant, accounts and profiles; each profile''s effective one with its level and reason.';
REVOKE ALL ON FUNCTION engine.fn_get_modes FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_get_modes TO holdfast_engine, holdfast_operator, holdfast_reader;
