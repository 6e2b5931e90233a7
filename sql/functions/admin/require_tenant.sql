-- Refuses work for a tenant that was never created. Locks nothing, writes nothing. Raises HF404.
CREATE OR REPLACE FUNCTION engine.require_tenant(p_tenant_id uuid)
RETURNS void
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM engine.tenants WHERE tenant_id = p_tenant_id) THEN
    PERFORM engine.refuse('HF404', 'no such tenant');
  END IF;
END
$$;
COMMENT ON FUNCTION engine.require_tenant IS
  'Refuses a tenant that does not exist.';
REVOKE ALL ON FUNCTION engine.require_tenant FROM PUBLIC;
