-- Lists fills, newest event first. p_filter: order_id, profile_id, account_id, symbol, unvalued (true: only
-- those whose third-asset fee has no value yet), before (an event id), limit.
-- Locks nothing, writes nothing. Raises HF403 foreign tenant; HF422 bad filter.
CREATE OR REPLACE FUNCTION engine.fn_list_fills(p_tenant_id uuid, p_filter jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_limit integer := engine.page_size(p_filter);
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  RETURN (
    SELECT coalesce(jsonb_agg(engine.fill_view(f) ORDER BY f.event_id DESC), '[]')
    FROM (
      SELECT f.* FROM engine.fills f
      WHERE f.tenant_id = p_tenant_id
        AND (p_filter->>'order_id' IS NULL OR f.intent_id = (p_filter->>'order_id')::uuid)
        AND (p_filter->>'profile_id' IS NULL OR f.profile_id = (p_filter->>'profile_id')::uuid)
        AND (p_filter->>'account_id' IS NULL OR f.account_id = (p_filter->>'account_id')::uuid)
        AND (p_filter->>'symbol' IS NULL OR f.symbol = p_filter->>'symbol')
        AND (p_filter->>'unvalued' IS DISTINCT FROM 'true' OR f.fee_value IS NULL)
        AND (p_filter->>'before' IS NULL OR f.event_id < (p_filter->>'before')::bigint)
      ORDER BY f.event_id DESC LIMIT v_limit) f);
END
$$;
COMMENT ON FUNCTION engine.fn_list_fills IS
  'Fills, newest first.';
REVOKE ALL ON FUNCTION engine.fn_list_fills FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_list_fills TO holdfast_engine, holdfast_operator, holdfast_reader;
