-- Begins a reconciliation pass over an exchange account and says what to read: {pass_id, began_at, tag, read_from,
-- transfers_since, profiles [{profile_id, name, quote_asset}], symbols [{symbol, since, trade_id, open, hot}], assets}.
-- A symbol's trades are needed since a minute before its cursor, or since its oldest unresolved intent was made;
-- one never read, since read_from, when the account was registered: what came before is in the baseline. hot: open orders,
-- unresolved intents, a position, or traded within the last day. A dry run needs no lease.
-- Locks the lease row FOR SHARE. Writes reconciliation_passes.
-- Raises HF403 foreign tenant; HF404 no such account or profile; HF410 the lease is not held; HF422 no cause.
CREATE OR REPLACE FUNCTION engine.fn_begin_pass(
    p_tenant_id uuid, p_account_id uuid, p_lease_token bigint, p_cause text, p_profile_id uuid, p_dry_run boolean
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
-- few rows by their keys: a plan made while a table was empty must not become a scan of it
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
  v_now     timestamptz := engine.fn_clock();
  v_pass_id bigint;
  v_account engine.exchange_accounts;
  v_last    timestamptz;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  PERFORM engine.require_account(p_tenant_id, p_account_id);
  PERFORM engine.checked_text(p_cause, 'cause');
  IF p_dry_run IS NOT TRUE OR p_lease_token IS NOT NULL THEN
    PERFORM engine.require_lease(p_tenant_id, p_account_id, p_lease_token, v_now);
  END IF;
  IF p_profile_id IS NOT NULL AND NOT EXISTS (SELECT FROM engine.profiles
      WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id AND account_id = p_account_id) THEN
    PERFORM engine.refuse('HF404', 'no such profile', jsonb_build_object('profile_id', p_profile_id));
  END IF;
  SELECT * INTO v_account FROM engine.exchange_accounts
    WHERE tenant_id = p_tenant_id AND account_id = p_account_id;
  SELECT p.began_at INTO v_last FROM engine.reconciliation_passes p
    WHERE p.tenant_id = p_tenant_id AND p.account_id = p_account_id AND NOT p.dry_run AND p.profile_id IS NULL
      AND p.outcome IN ('clean', 'healed', 'explained', 'open')
    ORDER BY p.pass_id DESC LIMIT 1;
  v_pass_id := nextval('engine.event_ids');
  INSERT INTO engine.reconciliation_passes (tenant_id, pass_id, account_id, profile_id, cause, dry_run, fencing_token,
                                            began_at)
    VALUES (p_tenant_id, v_pass_id, p_account_id, p_profile_id, p_cause, p_dry_run, p_lease_token, v_now);
  RETURN jsonb_build_object('pass_id', v_pass_id, 'began_at', v_now,
    'tag', (SELECT installation_tag FROM engine.engine_settings), 'read_from', engine.read_from(v_account),
    'transfers_since', greatest(v_account.created_at, coalesce(v_last, v_account.created_at) - interval '7 days'),
    'profiles', (SELECT coalesce(jsonb_agg(jsonb_build_object('profile_id', p.profile_id, 'name', p.name,
        'quote_asset', p.quote_asset) ORDER BY p.profile_id), '[]')
      FROM engine.profiles p WHERE p.tenant_id = p_tenant_id AND p.account_id = p_account_id
        AND p.profile_id = coalesce(p_profile_id, p.profile_id)),
    'symbols', engine.symbols_to_read(v_account, v_now),
    'assets', (SELECT coalesce(jsonb_agg(e.value -> 'asset'), '[]')
      FROM jsonb_array_elements(engine.fn_account_equations(p_tenant_id, p_account_id)) e));
END
$$;
COMMENT ON FUNCTION engine.fn_begin_pass IS
  'Begins a reconciliation pass and says what to read of the exchange.';
REVOKE ALL ON FUNCTION engine.fn_begin_pass FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_begin_pass TO holdfast_engine;
