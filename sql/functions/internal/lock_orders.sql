-- Locks everything that facts about several orders may touch, level by level and sorted, so that two arrays in
-- different orders never deadlock. One order alone is locked by what handles it, in the same order of levels.
-- Locks: orders → positions → profile_capital → unassigned_holdings. Writes and raises nothing.
CREATE OR REPLACE FUNCTION engine.lock_orders(p_tenant_id uuid, p_intents uuid[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_profiles uuid[];
  v_symbols text[];
  v_accounts uuid[];
BEGIN
  IF cardinality(p_intents) < 2 THEN
    RETURN;
  END IF;
  PERFORM FROM engine.orders WHERE tenant_id = p_tenant_id AND intent_id = ANY (p_intents)
  ORDER BY intent_id FOR NO KEY UPDATE;
  SELECT array_agg(profile_id), array_agg(symbol), array_agg(account_id) INTO v_profiles, v_symbols, v_accounts
  FROM engine.intents WHERE tenant_id = p_tenant_id AND intent_id = ANY (p_intents);
  PERFORM FROM engine.positions WHERE tenant_id = p_tenant_id AND profile_id = ANY (v_profiles)
    AND (profile_id, symbol) IN (SELECT * FROM unnest(v_profiles, v_symbols))
  ORDER BY profile_id, symbol FOR NO KEY UPDATE;
  PERFORM FROM engine.profile_capital WHERE tenant_id = p_tenant_id AND profile_id = ANY (v_profiles)
  ORDER BY profile_id FOR NO KEY UPDATE;
  PERFORM FROM engine.unassigned_holdings WHERE tenant_id = p_tenant_id AND account_id = ANY (v_accounts)
  ORDER BY account_id, asset FOR NO KEY UPDATE;
END $$;
COMMENT ON FUNCTION engine.lock_orders(uuid, uuid[]) IS 'locks what facts about several orders may touch, sorted';
REVOKE ALL ON FUNCTION engine.lock_orders(uuid, uuid[]) FROM PUBLIC;
