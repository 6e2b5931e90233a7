-- Lists what operators did in a tenant and what was refused there, newest first. For operators alone: a row about a
-- foreign id says that it exists. p_filters: {code, actor, limit (at most 500), before (an audit id)}.
-- Locks nothing, writes nothing. Raises HF403 foreign tenant; HF422 a bad limit or id.
CREATE OR REPLACE FUNCTION engine.fn_list_audit(p_tenant_id uuid, p_filters jsonb DEFAULT '{}')
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_size integer := engine.page_size(p_filters);
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  IF p_filters->>'before' !~ '^[0-9]{1,18}$' THEN
    PERFORM engine.refuse('HF422', 'before is an audit id', jsonb_build_object('filter', p_filters));
  END IF;
  RETURN (
    SELECT coalesce(jsonb_agg(jsonb_build_object('audit_id', a.audit_id::text, 'recorded_at', a.recorded_at,
      'actor', a.actor, 'action', a.action, 'code', a.code, 'detail', a.detail) ORDER BY a.audit_id DESC), '[]')
    FROM (SELECT * FROM engine.audit x
          WHERE x.tenant_id = p_tenant_id
            AND (p_filters->>'code' IS NULL OR x.code = p_filters->>'code')
            AND (p_filters->>'actor' IS NULL OR x.actor = p_filters->>'actor')
            AND (p_filters->>'before' IS NULL OR x.audit_id < (p_filters->>'before')::bigint)
          ORDER BY x.audit_id DESC LIMIT v_size) a);
END
$$;
COMMENT ON FUNCTION engine.fn_list_audit IS
  'Audit rows of a tenant, newest first.';
REVOKE ALL ON FUNCTION engine.fn_list_audit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_list_audit TO holdfast_engine, holdfast_operator;
