-- The answer to the key of an intent that was written before: its present state, if the request is the same.
-- Locks and writes nothing; raises nothing. No SET clause: pg_catalog only, so that it can be inlined.
CREATE OR REPLACE FUNCTION engine.replayed_intent(p_intent engine.intents, p_request_hash text) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN p_intent.request_hash = p_request_hash
    THEN jsonb_build_object('code', 'REPLAY', 'intent', engine.intent_view(p_intent))
    ELSE jsonb_build_object('code', 'IDEMPOTENCY_KEY_REUSED') END
$$;
COMMENT ON FUNCTION engine.replayed_intent(engine.intents, text) IS 'answer to the key of an intent';
REVOKE ALL ON FUNCTION engine.replayed_intent(engine.intents, text) FROM PUBLIC;
