-- What moved a tenant's positions since a moment, told by an event id: fills, their corrections and adjustments.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.trades_since(p_tenant_id uuid, p_event_id bigint)
RETURNS TABLE (event_id bigint, profile_id uuid, intent_id uuid, type text)
LANGUAGE plpgsql STABLE SET search_path = ''
-- in the order of their ids and without a sort: a profile's whole history is no way to the newest of it
SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
BEGIN
  RETURN QUERY
    SELECT e.event_id, e.profile_id, e.intent_id, e.type::text FROM engine.economic_events e
    WHERE e.tenant_id = p_tenant_id AND e.event_id > p_event_id
      AND e.type IN ('entry_fill', 'exit_fill', 'fill_correction', 'adjustment')
    ORDER BY e.event_id;
END
$$;
COMMENT ON FUNCTION engine.trades_since IS
  'What moved a tenant''s positions since an event.';
REVOKE ALL ON FUNCTION engine.trades_since FROM PUBLIC;
