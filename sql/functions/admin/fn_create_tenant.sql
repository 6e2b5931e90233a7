-- Creates a tenant. Locks nothing. Writes tenants, outbox, audit.
-- Raises HF403 foreign tenant; HF415 id or name exists; HF422 bad name or actor.
CREATE OR REPLACE FUNCTION engine.fn_create_tenant(p_tenant_id uuid, p_name text, p_actor text)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  INSERT INTO engine.tenants (tenant_id, name, created_at)
    VALUES (p_tenant_id, engine.checked_name(p_name, 'name'), v_now) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF415', 'a tenant of this id or name exists', jsonb_build_object('name', p_name));
  END IF;
  PERFORM engine.record_fact(p_tenant_id, NULL, 'tenant.created', jsonb_build_object('name', p_name), v_now);
  PERFORM engine.record_audit(p_tenant_id, p_actor, 'create_tenant', NULL, jsonb_build_object('name', p_name), v_now);
  RETURN p_tenant_id;
END
$$;
COMMENT ON FUNCTION engine.fn_create_tenant IS
  'Creates a tenant; gives its id.';
REVOKE ALL ON FUNCTION engine.fn_create_tenant FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_create_tenant TO holdfast_engine;
