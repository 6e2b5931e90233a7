-- Row level security on every tenant table, and who may read what of them: functions do all writing.

DO $$
DECLARE
  v_table text;
BEGIN
  FOR v_table IN SELECT c.table_name FROM information_schema.columns c
    JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE c.table_schema = 'engine' AND c.column_name = 'tenant_id' AND t.table_type = 'BASE TABLE'
  LOOP
    EXECUTE format('ALTER TABLE engine.%I ENABLE ROW LEVEL SECURITY', v_table);
    EXECUTE format('ALTER TABLE engine.%I FORCE ROW LEVEL SECURITY', v_table);
    EXECUTE format('GRANT SELECT ON engine.%I TO holdfast_reader', v_table);
  END LOOP;
END $$;
REVOKE SELECT ON engine.robot_keys, engine.exchange_accounts FROM holdfast_reader;
GRANT SELECT (tenant_id, account_id, name, exchange, exchange_account_uid, tier, urls, mode, mode_reason, created_at)
  ON engine.exchange_accounts TO holdfast_reader;
GRANT SELECT (tenant_id, key_id, robot_id, created_at, revoked_at) ON engine.robot_keys TO holdfast_reader;

-- The scheduler finds work over all tenants and sees ids, states and times only.
GRANT SELECT (tenant_id, key_id, robot_id, key_hash, revoked_at) ON engine.robot_keys TO holdfast_scheduler;
GRANT SELECT (tenant_id, intent_id, account_id, state, expires_at, exchange_deadline, cancel_requested_at)
  ON engine.intents TO holdfast_scheduler;
GRANT SELECT (tenant_id, profile_id, symbol, intent_id, expires_at) ON engine.entry_locks TO holdfast_scheduler;
GRANT SELECT (tenant_id, event_id, seq) ON engine.outbox TO holdfast_scheduler;
GRANT SELECT (tenant_id) ON engine.tenants TO holdfast_scheduler;
GRANT SELECT (tenant_id, account_id) ON engine.exchange_accounts TO holdfast_scheduler;
GRANT SELECT (tenant_id, profile_id, account_id) ON engine.profiles TO holdfast_scheduler;
GRANT SELECT (tenant_id, intent_id, account_id, status) ON engine.orders TO holdfast_scheduler;
