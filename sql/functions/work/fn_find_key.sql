-- Finds whose key this is, over all tenants: ids only, the rest is read as that tenant.
-- Belongs to holdfast_scheduler. Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.fn_find_key(p_key_hash bytea)
RETURNS TABLE (tenant_id uuid, key_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
  SELECT k.tenant_id, k.key_id FROM engine.robot_keys k
  WHERE k.key_hash = p_key_hash AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > engine.fn_clock())
  LIMIT 1
$$;
COMMENT ON FUNCTION engine.fn_find_key IS
  'Tenant and key of a robot key''s hash; no row if it is unknown, revoked or at its end.';
REVOKE ALL ON FUNCTION engine.fn_find_key FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_find_key TO holdfast_engine;
