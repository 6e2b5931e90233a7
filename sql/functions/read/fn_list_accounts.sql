-- Lists exchange accounts with their unassigned holdings, never their credentials. Locks nothing, writes nothing.
-- Raises HF403 foreign tenant.
CREATE OR REPLACE FUNCTION engine.fn_list_accounts(p_tenant_id uuid)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  RETURN (
    SELECT coalesce(jsonb_agg(jsonb_build_object('account_id', a.account_id, 'name', a.name, 'exchange', a.exchange,
      'exchange_account_uid', a.exchange_account_uid, 'tier', a.tier, 'urls', a.urls, 'mode', a.mode,
      'mode_reason', a.mode_reason, 'created_at', a.created_at, 'withdrawal_right', a.withdrawal_right,
      'exchange_timer', engine.exchange_timer_view(a.tenant_id, a.account_id),
      'unassigned', (SELECT coalesce(jsonb_object_agg(u.asset, trim_scale(u.quantity)::text), '{}')
        FROM engine.unassigned_holdings u WHERE u.tenant_id = a.tenant_id AND u.account_id = a.account_id))
      ORDER BY a.name), '[]')
    FROM engine.exchange_accounts a WHERE a.tenant_id = p_tenant_id);
END
$$;
COMMENT ON FUNCTION engine.fn_list_accounts IS
  'Exchange accounts by name.';
REVOKE ALL ON FUNCTION engine.fn_list_accounts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_list_accounts TO holdfast_engine, holdfast_operator, holdfast_reader;
