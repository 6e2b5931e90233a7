-- Lists open orders whose cancel was asked for, the longest waiting first.
-- Belongs to holdfast_scheduler; ids and states only, the rest is read as that tenant.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.fn_due_cancels(p_limit integer)
RETURNS TABLE (tenant_id uuid, account_id uuid, intent_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
  SELECT i.tenant_id, i.account_id, i.intent_id
  FROM engine.orders o JOIN engine.intents i USING (tenant_id, intent_id)
  WHERE o.status = 'open' AND i.state = 'confirmed' AND i.cancel_requested_at IS NOT NULL
  ORDER BY i.cancel_requested_at LIMIT p_limit
$$;
COMMENT ON FUNCTION engine.fn_due_cancels IS
  'Orders that wait for their cancel to be sent.';
REVOKE ALL ON FUNCTION engine.fn_due_cancels FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_due_cancels TO holdfast_engine;
