-- Reads profiles, capital, positions and open orders, and the seq that they are of: under the feed's lock one
-- statement reads both them and which facts wait, then exactly those are numbered. So everything up to that seq is in
-- the figures, and nothing after it is.
-- Locks tenant_feed. Writes facts.seq and tenant_feed. Raises HF403 foreign tenant; HF404 no such tenant.
CREATE OR REPLACE FUNCTION engine.fn_feed_snapshot(p_tenant_id uuid, p_profile_ids uuid[])
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
-- a plan made while a table was empty must not become a scan of it for the session's life
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
DECLARE
  v_feed engine.tenant_feed;
  v_state jsonb;
  v_events bigint[];
  v_parts smallint[];
  v_last bigint;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  v_feed := engine.lock_feed(p_tenant_id);
  SELECT w.events, w.parts, jsonb_build_object(
    'profiles', (SELECT coalesce(jsonb_agg(v.view), '[]')
      FROM jsonb_array_elements(engine.fn_list_profiles(p_tenant_id)) v (view)
      WHERE p_profile_ids IS NULL OR (v.view ->> 'profile_id')::uuid = ANY (p_profile_ids)),
    'capital', (SELECT coalesce(jsonb_agg(v.view ORDER BY v.view ->> 'name'), '[]')
      FROM (SELECT engine.capital_view(c) AS view FROM engine.profile_capital c WHERE c.tenant_id = p_tenant_id
              AND (p_profile_ids IS NULL OR c.profile_id = ANY (p_profile_ids))) v),
    'positions', (SELECT coalesce(jsonb_agg(v.view), '[]')
      FROM jsonb_array_elements(engine.fn_list_positions(p_tenant_id, NULL)) v (view)
      WHERE p_profile_ids IS NULL OR (v.view ->> 'profile_id')::uuid = ANY (p_profile_ids)),
    'orders', (SELECT coalesce(jsonb_agg(engine.intent_view(i) - 'fencing_token' - 'owner' ORDER BY i.intent_id), '[]')
      FROM engine.live_intents(p_tenant_id) l
      JOIN engine.intents i ON i.tenant_id = p_tenant_id AND i.intent_id = l
      WHERE p_profile_ids IS NULL OR i.profile_id = ANY (p_profile_ids)))
  INTO v_events, v_parts, v_state
  FROM (SELECT array_agg(f.event_id ORDER BY f.event_id, f.part) AS events,
               array_agg(f.part ORDER BY f.event_id, f.part) AS parts
        FROM engine.facts f WHERE f.tenant_id = p_tenant_id AND f.seq IS NULL AND f.type IS NOT NULL) w;
  v_last := v_feed.last_seq + coalesce(cardinality(v_events), 0);
  IF v_last > v_feed.last_seq THEN
    UPDATE engine.facts f SET seq = v_feed.last_seq + w.place
    FROM unnest(v_events, v_parts) WITH ORDINALITY AS w (event_id, part, place)
    WHERE f.tenant_id = p_tenant_id AND f.event_id = w.event_id AND f.part = w.part;
    UPDATE engine.tenant_feed SET last_seq = v_last WHERE tenant_id = p_tenant_id;
  END IF;
  RETURN jsonb_build_object('epoch', v_feed.epoch, 'seq', v_last) || v_state;
END
$$;
COMMENT ON FUNCTION engine.fn_feed_snapshot IS
  'A tenant''s state and the seq it is of: {epoch, seq, profiles, capital, positions, orders}.';
REVOKE ALL ON FUNCTION engine.fn_feed_snapshot FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_feed_snapshot TO holdfast_engine;
