-- Lists mismatches, newest first. p_filter: account_id, profile_id, kind, open (true: stands open; false: the others),
-- limit. Locks nothing, writes nothing. Raises HF403 foreign tenant; HF422 bad filter.
CREATE OR REPLACE FUNCTION engine.fn_list_mismatches(p_tenant_id uuid, p_filter jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_limit integer := engine.page_size(p_filter);
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  RETURN (
    SELECT coalesce(jsonb_agg(to_jsonb(m) - 'tenant_id' ORDER BY m.mismatch_id DESC), '[]')
    FROM (
      SELECT * FROM engine.mismatches m
      WHERE m.tenant_id = p_tenant_id
        AND (p_filter->>'account_id' IS NULL OR m.account_id = (p_filter->>'account_id')::uuid)
        AND (p_filter->>'profile_id' IS NULL OR m.profile_id = (p_filter->>'profile_id')::uuid)
        AND (p_filter->>'kind' IS NULL OR m.kind = p_filter->>'kind')
        AND (p_filter->>'open' IS NULL
             OR (p_filter->>'open')::boolean = (m.state = 'open' AND m.ended_at IS NULL))
      ORDER BY m.mismatch_id DESC LIMIT v_limit) m);
END
$$;
COMMENT ON FUNCTION engine.fn_list_mismatches IS
  'Mismatches between ledger and exchange, newest first.';
REVOKE ALL ON FUNCTION engine.fn_list_mismatches FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_list_mismatches TO holdfast_engine, holdfast_operator, holdfast_reader;
