-- Puts the answer of a stale owner on record: it changed nothing, but it may explain what happened.
-- Locks nothing; writes audit; raises nothing.
CREATE OR REPLACE FUNCTION engine.keep_evidence(
  p_intent engine.intents, p_action text, p_item jsonb, p_now timestamptz
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO engine.audit (tenant_id, audit_id, actor, action, code, detail, recorded_at)
  VALUES (p_intent.tenant_id, nextval('engine.event_ids'), 'engine', p_action, 'STALE_TOKEN',
    jsonb_build_object('intent_id', p_intent.intent_id, 'state', p_intent.state,
      'fencing_token', p_intent.fencing_token, 'answer', p_item), p_now);
END $$;
COMMENT ON FUNCTION engine.keep_evidence(engine.intents, text, jsonb, timestamptz) IS 'records a stale answer';
REVOKE ALL ON FUNCTION engine.keep_evidence(engine.intents, text, jsonb, timestamptz) FROM PUBLIC;
