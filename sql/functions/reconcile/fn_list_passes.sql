-- Lists reconciliation passes, newest first. p_filter: account_id, outcome, limit.
-- Locks nothing, writes nothing. Raises HF403 foreign tenant; HF422 bad filter.
CREATE OR REPLACE FUNCTION engine.fn_list_passes(p_tenant_id uuid, p_filter jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_limit integer := engine.page_size(p_filter);
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  RETURN (
    SELECT coalesce(jsonb_agg(to_jsonb(p) - 'tenant_id' ORDER BY p.pass_id DESC), '[]')
    FROM (
      SELECT * FROM engine.reconciliation_passes p
      WHERE p.tenant_id = p_tenant_id
        AND (p_filter->>'account_id' IS NULL OR p.account_id = (p_filter->>'account_id')::uuid)
        AND (p_filter->>'outcome' IS NULL OR p.outcome = p_filter->>'outcome')
      ORDER BY p.pass_id DESC LIMIT v_limit) p);
END
$$;
COMMENT ON FUNCTION engine.fn_list_passes IS
  'Reconciliation passes, newest first.';
REVOKE ALL ON FUNCTION engine.fn_list_passes FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_list_passes TO holdfast_engine, holdfast_operator, holdfast_reader;
