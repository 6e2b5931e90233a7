-- Lists a tenant's events, newest first. p_filter: profile_id, order_id, type, before (an event id), before_part (its
-- part), limit. An id is drawn before its transaction commits, so a newer page can gain events later: to follow, use
-- the feed and its seq. Locks nothing, writes nothing. Raises HF403 foreign tenant; HF422 bad filter.
CREATE OR REPLACE FUNCTION engine.fn_list_events(p_tenant_id uuid, p_filter jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_limit  integer := engine.page_size(p_filter);
  v_before bigint := coalesce((p_filter->>'before')::bigint, 9223372036854775807);
  v_part   smallint := coalesce((p_filter->>'before_part')::smallint, 0);
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  RETURN (
    SELECT coalesce(jsonb_agg(jsonb_build_object('event_id', f.event_id, 'part', f.part, 'seq', f.seq,
      'type', f.type, 'profile_id', f.profile_id, 'order_id', f.intent_id, 'recorded_at', f.recorded_at,
      'payload', f.payload) ORDER BY f.event_id DESC, f.part DESC), '[]')
    FROM (
      SELECT f.* FROM engine.facts f
      WHERE f.tenant_id = p_tenant_id AND f.type IS NOT NULL
        AND (f.event_id, f.part) < (v_before, v_part)
        AND (p_filter->>'profile_id' IS NULL OR f.profile_id = (p_filter->>'profile_id')::uuid)
        AND (p_filter->>'order_id' IS NULL OR f.intent_id = (p_filter->>'order_id')::uuid)
        AND (p_filter->>'type' IS NULL OR f.type = p_filter->>'type')
      ORDER BY f.event_id DESC, f.part DESC LIMIT v_limit) f);
END
$$;
COMMENT ON FUNCTION engine.fn_list_events IS
  'Events, newest first: [{event_id, part, seq, type, profile_id, order_id, recorded_at, payload}].';
REVOKE ALL ON FUNCTION engine.fn_list_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_list_events TO holdfast_engine, holdfast_operator, holdfast_reader;
