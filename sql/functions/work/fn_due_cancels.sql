-- Lists open orders whose cancel was asked for, the longest waiting first. An open order's reservation is never
-- released, so the index of what waits stays as short as that, however many orders were canceled before.
-- Belongs to holdfast_scheduler; ids and states only, the rest is read as that tenant.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.fn_due_cancels(p_limit integer)
RETURNS TABLE (tenant_id uuid, account_id uuid, intent_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
-- one probe for each that waits, whatever the tables' sizes were when the plan was made
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $$
  SELECT i.tenant_id, i.account_id, i.intent_id
  FROM engine.intents i CROSS JOIN LATERAL (SELECT FROM engine.orders o
    WHERE o.tenant_id = i.tenant_id AND o.intent_id = i.intent_id AND o.status = 'open' LIMIT 1) o
  WHERE i.cancel_requested_at IS NOT NULL AND i.released_at IS NULL AND i.state = 'confirmed'
  ORDER BY i.cancel_requested_at LIMIT p_limit
$$;
COMMENT ON FUNCTION engine.fn_due_cancels IS
  'Orders that wait for their cancel to be sent.';
REVOKE ALL ON FUNCTION engine.fn_due_cancels FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_due_cancels TO holdfast_engine;
