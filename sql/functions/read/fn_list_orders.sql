-- Lists intents with their orders, newest id first. p_filter: profile_id, account_id, symbol, kind, state, status,
-- open (true: not finished), before (an intent id), limit. Locks nothing, writes nothing.
-- Raises HF403 foreign tenant; HF422 bad filter.
CREATE OR REPLACE FUNCTION engine.fn_list_orders(p_tenant_id uuid, p_filter jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_limit integer := engine.page_size(p_filter);
  v_live uuid[];  -- what is not finished, if only that is asked for: found without reading all that was
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  IF (p_filter->>'open')::boolean THEN
    v_live := ARRAY(SELECT engine.live_intents(p_tenant_id));
  END IF;
  RETURN (
    SELECT coalesce(jsonb_agg(engine.intent_view(i) ORDER BY i.intent_id DESC), '[]')
    FROM (
      SELECT i.* FROM engine.intents i LEFT JOIN engine.orders o USING (tenant_id, intent_id)
      WHERE i.tenant_id = p_tenant_id
        AND (p_filter->>'profile_id' IS NULL OR i.profile_id = (p_filter->>'profile_id')::uuid)
        AND (p_filter->>'account_id' IS NULL OR i.account_id = (p_filter->>'account_id')::uuid)
        AND (p_filter->>'symbol' IS NULL OR i.symbol = p_filter->>'symbol')
        AND (p_filter->>'kind' IS NULL OR i.kind = p_filter->>'kind')
        AND (p_filter->>'state' IS NULL OR i.state = p_filter->>'state')
        AND (p_filter->>'status' IS NULL OR o.status = p_filter->>'status')
        AND (p_filter->>'open' IS NULL OR (p_filter->>'open')::boolean
             = (i.state IN ('sending', 'in_doubt', 'needs_operator') OR coalesce(o.status = 'open', false)))
        AND ((p_filter->>'open')::boolean IS NOT TRUE OR i.intent_id = ANY (v_live))
        AND (p_filter->>'before' IS NULL OR i.intent_id < (p_filter->>'before')::uuid)
      ORDER BY i.intent_id DESC LIMIT v_limit) i);
END
$$;
COMMENT ON FUNCTION engine.fn_list_orders IS
  'Intents with their orders, newest first.';
REVOKE ALL ON FUNCTION engine.fn_list_orders FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_list_orders TO holdfast_engine, holdfast_operator, holdfast_reader;
