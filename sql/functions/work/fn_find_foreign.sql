-- Tells whether an id that a tenant asked for in vain belongs to another one: only the fact, never whose it is.
-- Ids of tenants, profiles, exchange accounts, robots, keys and orders; client order ids. Asks tenant by tenant, each
-- by its primary keys: no index over all tenants is kept for it, and no order pays for one.
-- Belongs to holdfast_scheduler. Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.fn_find_foreign(p_asking_tenant uuid, p_id text)
RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_tenant uuid;
  v_id uuid;
BEGIN
  IF p_id ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN
    v_id := p_id::uuid;
  END IF;
  FOR v_tenant IN SELECT t.tenant_id FROM engine.tenants t WHERE t.tenant_id <> p_asking_tenant LOOP
    IF v_id IS NULL THEN
      IF EXISTS (SELECT FROM engine.intents i WHERE i.tenant_id = v_tenant AND i.client_order_id = p_id) THEN
        RETURN true;
      END IF;
    ELSIF v_id = v_tenant
      OR EXISTS (SELECT FROM engine.intents i WHERE i.tenant_id = v_tenant AND i.intent_id = v_id)
      OR EXISTS (SELECT FROM engine.profiles p WHERE p.tenant_id = v_tenant AND p.profile_id = v_id)
      OR EXISTS (SELECT FROM engine.exchange_accounts a WHERE a.tenant_id = v_tenant AND a.account_id = v_id)
      OR EXISTS (SELECT FROM engine.robot_keys k WHERE k.tenant_id = v_tenant AND v_id IN (k.key_id, k.robot_id))
    THEN
      RETURN true;
    END IF;
  END LOOP;
  RETURN false;
END
$$;
COMMENT ON FUNCTION engine.fn_find_foreign IS
  'Whether an id exists with another tenant than the one that asked for it.';
REVOKE ALL ON FUNCTION engine.fn_find_foreign FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_find_foreign TO holdfast_engine;
