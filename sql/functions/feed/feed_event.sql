-- What feeds and broker are shown of a fact. The robot's label and id are its intent's, which never change, so no
-- writer has to carry them. Of an actor who is a person only that it was an operator is told.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.feed_event(p_fact engine.facts)
RETURNS jsonb
LANGUAGE sql STABLE SET search_path = ''
AS $$
  SELECT jsonb_build_object('seq', p_fact.seq, 'event_id', p_fact.event_id, 'type', p_fact.type,
    'at', p_fact.recorded_at, 'profile_id', p_fact.profile_id, 'order_id', p_fact.intent_id,
    'robot_id', coalesce(i.robot_id::text, p_fact.payload ->> 'robot_id'),
    'label', coalesce(i.label, p_fact.payload ->> 'label'),
    'data', (p_fact.payload - 'label' - 'robot_id') || CASE WHEN starts_with(p_fact.payload ->> 'actor', 'operator:')
      THEN '{"actor": "operator"}' ELSE '{}' END::jsonb)
  FROM (SELECT) one
  LEFT JOIN engine.intents i ON i.tenant_id = p_fact.tenant_id AND i.intent_id = p_fact.intent_id
$$;
COMMENT ON FUNCTION engine.feed_event IS
  'An event of the feed as JSON, with the robot''s label.';
REVOKE ALL ON FUNCTION engine.feed_event FROM PUBLIC;
