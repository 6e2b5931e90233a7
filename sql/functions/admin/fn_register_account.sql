-- Registers an exchange account with what it holds at that moment: the baseline of its unassigned holdings.
-- p_account: {account_id, name, exchange, exchange_account_uid, tier, urls, credentials (base64 of the encrypted),
-- withdrawal_right (none: the exchange says that they cannot withdraw; left out: unverifiable)};
-- p_balances: {asset: quantity as text}.
-- Locks the registry row it makes. Writes exchange_account_registry, exchange_accounts, unassigned_holdings,
-- unassigned_events, outbox, audit.
-- Raises HF403 foreign tenant; HF404 no such tenant; HF415 registered before, or the name exists; HF416 the account
-- belongs to another tenant; HF422 a bad argument.
CREATE OR REPLACE FUNCTION engine.fn_register_account(
    p_tenant_id uuid, p_account jsonb, p_balances jsonb, p_actor text
)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now        timestamptz := engine.fn_clock();
  v_account_id uuid;
  v_asset      text;
  v_quantity   text;
  v_fact       jsonb;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  PERFORM engine.require_tenant(p_tenant_id);
  IF (p_account->>'tier' IN ('A', 'B', 'C')
      AND coalesce(p_account->>'withdrawal_right', 'unverifiable') IN ('none', 'unverifiable') AND coalesce(jsonb_typeof(p_account->'urls'), 'object') = 'object'
      AND p_account->>'credentials' ~ '^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$'
      AND p_account->>'account_id' ~ '^[0-9a-fA-F-]{36}$'
      AND jsonb_typeof(coalesce(p_balances, '{}')) = 'object') IS NOT TRUE THEN
    PERFORM engine.refuse('HF422', 'an account has account_id, tier A, B or C, urls, base64 credentials and balances');
  END IF;
  v_account_id := (p_account->>'account_id')::uuid;
  INSERT INTO engine.exchange_account_registry (exchange, exchange_account_uid, account_id, registered_at)
    VALUES (engine.checked_text(p_account->>'exchange', 'exchange'),
            engine.checked_text(p_account->>'exchange_account_uid', 'exchange_account_uid'), v_account_id, v_now)
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    IF EXISTS (SELECT FROM engine.exchange_account_registry r
               WHERE r.exchange = p_account->>'exchange' AND r.exchange_account_uid = p_account->>'exchange_account_uid')
       AND NOT EXISTS (SELECT FROM engine.exchange_accounts a
         WHERE a.tenant_id = p_tenant_id AND a.exchange = p_account->>'exchange'
           AND a.exchange_account_uid = p_account->>'exchange_account_uid') THEN
      PERFORM engine.refuse('HF416', 'this exchange account is registered to another tenant');
    END IF;
    PERFORM engine.refuse('HF415', 'this exchange account is registered');
  END IF;
  INSERT INTO engine.exchange_accounts (tenant_id, account_id, name, exchange, exchange_account_uid, tier, urls,
                                        credentials, withdrawal_right, created_at)
    VALUES (p_tenant_id, v_account_id, engine.checked_name(p_account->>'name', 'name'), p_account->>'exchange',
            p_account->>'exchange_account_uid', p_account->>'tier', coalesce(p_account->'urls', '{}'),
            decode(p_account->>'credentials', 'base64'),
            coalesce(p_account->>'withdrawal_right', 'unverifiable'), v_now)
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF415', 'an account of this name exists', jsonb_build_object('name', p_account->>'name'));
  END IF;
  FOR v_asset, v_quantity IN SELECT b.key, b.value FROM jsonb_each_text(coalesce(p_balances, '{}')) b ORDER BY b.key LOOP
    PERFORM engine.move_unassigned(p_tenant_id, v_account_id, engine.checked_text(v_asset, 'asset'),
      engine.number_from_text(v_quantity, 'balance of ' || v_asset), 'baseline', nextval('engine.event_ids'),
      'baseline:' || v_account_id || ':' || v_asset, p_actor, NULL, v_now);
  END LOOP;
  v_fact := jsonb_build_object('account_id', v_account_id, 'name', p_account->>'name',
    'exchange', p_account->>'exchange', 'balances', coalesce(p_balances, '{}'));
  PERFORM engine.record_fact(p_tenant_id, NULL, 'account.registered', v_fact, v_now);
  PERFORM engine.record_audit(p_tenant_id, p_actor, 'register_account', NULL, v_fact, v_now);
  RETURN v_account_id;
END
$$;
COMMENT ON FUNCTION engine.fn_register_account IS
  'Registers an exchange account and its baseline; gives the account''s id.';
REVOKE ALL ON FUNCTION engine.fn_register_account FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_register_account TO holdfast_engine;
