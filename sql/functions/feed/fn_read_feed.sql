-- Reads events after p_since_seq in order, at most p_limit numbers far; with p_profile_ids only those of these
-- profiles. through_seq is how far it has looked, so a reader of some profiles knows from where to go on.
-- Locks nothing, writes nothing. Raises HF403 foreign tenant; HF422 since or limit out of bounds.
CREATE OR REPLACE FUNCTION engine.fn_read_feed(
    p_tenant_id uuid, p_since_seq bigint, p_limit integer, p_profile_ids uuid[]
)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
-- a plan made while a table was empty must not become a scan of it for the session's life
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
  v_feed engine.tenant_feed;
  v_through bigint;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  IF p_since_seq IS NULL OR p_since_seq < 0 OR p_limit IS NULL OR p_limit NOT BETWEEN 1 AND 10000 THEN
    PERFORM engine.refuse('HF422', 'since_seq is not negative, limit lies between 1 and 10000',
      jsonb_build_object('since_seq', p_since_seq, 'limit', p_limit));
  END IF;
  SELECT * INTO v_feed FROM engine.tenant_feed WHERE tenant_id = p_tenant_id;
  v_through := greatest(least(p_since_seq + p_limit, coalesce(v_feed.last_seq, 0)), p_since_seq);
  RETURN jsonb_build_object('epoch', coalesce(v_feed.epoch, 1), 'last_seq', coalesce(v_feed.last_seq, 0),
    'through_seq', v_through, 'events', (
      SELECT coalesce(jsonb_agg(engine.feed_event(f) ORDER BY f.seq), '[]') FROM engine.facts f
      WHERE f.tenant_id = p_tenant_id AND f.seq > p_since_seq AND f.seq <= v_through
        AND (p_profile_ids IS NULL OR f.profile_id = ANY (p_profile_ids))));
END
$$;
COMMENT ON FUNCTION engine.fn_read_feed IS
  'Events after a seq: {epoch, last_seq, through_seq, events}.';
REVOKE ALL ON FUNCTION engine.fn_read_feed FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_read_feed TO holdfast_engine;
