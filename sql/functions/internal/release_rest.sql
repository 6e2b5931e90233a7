-- Releases what remains of an intent's reservation: once, and all of it. Quote goes back to AVAILABLE by an
-- event; base goes back to the position.
-- Locks: positions, then profile_capital, so that the dust decision after it keeps the lock order (the caller
-- holds intent or order). Writes reservations, positions or the ledger. Returns the event's id, if any.
-- Raises nothing.
CREATE OR REPLACE FUNCTION engine.release_rest(
  p_tenant_id uuid, p_intent_id uuid, p_actor text, p_now timestamptz
) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  v_intent engine.intents;
  v_rest numeric;
BEGIN
  SELECT * INTO v_intent FROM engine.intents WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id;
  PERFORM FROM engine.positions
  WHERE tenant_id = p_tenant_id AND profile_id = v_intent.profile_id AND symbol = v_intent.symbol
  FOR NO KEY UPDATE;
  SELECT remaining INTO v_rest FROM engine.reservations
  WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id AND released_at IS NULL;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  UPDATE engine.reservations SET remaining = 0, released_at = p_now
  WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id;
  IF v_rest = 0 THEN
    RETURN NULL;
  ELSIF v_intent.kind = 'exit' THEN
    UPDATE engine.positions SET reserved_quantity = reserved_quantity - v_rest, updated_at = p_now
    WHERE tenant_id = p_tenant_id AND profile_id = v_intent.profile_id AND symbol = v_intent.symbol;
    RETURN NULL;
  END IF;
  RETURN (engine.post_capital(p_tenant_id, v_intent.profile_id, 'release', 'release:' || p_intent_id, p_intent_id,
    p_actor, NULL, NULL, v_intent.spec_version, NULL, p_now, v_rest, -v_rest, 0, 0, 0, 0)).event_id;
END $$;
COMMENT ON FUNCTION engine.release_rest(uuid, uuid, text, timestamptz) IS 'releases the rest of a reservation';
REVOKE ALL ON FUNCTION engine.release_rest(uuid, uuid, text, timestamptz) FROM PUBLIC;
