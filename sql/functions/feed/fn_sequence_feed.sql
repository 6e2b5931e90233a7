-- Numbers a tenant's waiting facts: locks its feed, then takes in a new statement what waits, by event id, at most
-- p_limit. What a fact depends on was committed, so seen, and drew its event id before it: it gets the smaller
-- number. Whoever calls it at the same time waits, and finds the rest.
-- Locks tenant_feed. Writes facts.seq and tenant_feed.
-- Raises HF403 foreign tenant; HF404 no such tenant; HF422 limit out of bounds.
CREATE OR REPLACE FUNCTION engine.fn_sequence_feed(p_tenant_id uuid, p_limit integer)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
-- a plan made while a table was empty must not become a scan of it for the session's life
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
  v_feed engine.tenant_feed;
  v_numbered integer;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  IF p_limit IS NULL OR p_limit NOT BETWEEN 1 AND 10000 THEN
    PERFORM engine.refuse('HF422', 'limit must lie between 1 and 10000', jsonb_build_object('limit', p_limit));
  END IF;
  v_feed := engine.lock_feed(p_tenant_id);
  UPDATE engine.facts f SET seq = v_feed.last_seq + w.place
  FROM (SELECT o.event_id, o.part, row_number() OVER (ORDER BY o.event_id, o.part) AS place
        FROM (SELECT event_id, part FROM engine.facts
              WHERE tenant_id = p_tenant_id AND seq IS NULL AND type IS NOT NULL
              ORDER BY event_id, part LIMIT p_limit) o) w
  WHERE f.tenant_id = p_tenant_id AND f.event_id = w.event_id AND f.part = w.part;
  GET DIAGNOSTICS v_numbered = ROW_COUNT;
  IF v_numbered > 0 THEN
    UPDATE engine.tenant_feed SET last_seq = last_seq + v_numbered WHERE tenant_id = p_tenant_id;
  END IF;
  RETURN jsonb_build_object('epoch', v_feed.epoch, 'last_seq', v_feed.last_seq + v_numbered,
                            'numbered', v_numbered);
END
$$;
COMMENT ON FUNCTION engine.fn_sequence_feed IS
  'Gives waiting events their seq, gap-free and in causal order: {epoch, last_seq, numbered}.';
REVOKE ALL ON FUNCTION engine.fn_sequence_feed FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_sequence_feed TO holdfast_engine;
