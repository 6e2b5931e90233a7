-- Releases what remains of an intent's reservation: once, and all of it. Quote goes back to AVAILABLE by an
-- event; base goes back to the position.
-- Locks: positions, then profile_capital, so that the dust decision after it keeps the lock order (the caller
-- holds intent or order, without which nothing changes a reservation). Writes reservations, positions or the
-- ledger. Returns the event's id, if any. Raises nothing.
CREATE OR REPLACE FUNCTION engine.release_rest(
  p_tenant_id uuid, p_intent_id uuid, p_actor text, p_now timestamptz
) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  v_kind text;
  v_profile_id uuid;
  v_symbol text;
  v_spec_version integer;
  v_rest numeric;
  v_released_at timestamptz;
BEGIN
  SELECT kind, profile_id, symbol, spec_version, reserved_remaining, released_at
  INTO v_kind, v_profile_id, v_symbol, v_spec_version, v_rest, v_released_at
  FROM engine.intents WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id;
  -- decided here: as a condition it invites a plan over the index of all that is held
  IF v_rest IS NULL OR v_released_at IS NOT NULL THEN
    RETURN NULL;
  END IF;
  PERFORM FROM engine.positions
  WHERE tenant_id = p_tenant_id AND profile_id = v_profile_id AND symbol = v_symbol
  FOR NO KEY UPDATE;
  UPDATE engine.intents SET reserved_remaining = 0, released_at = p_now
  WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id;
  IF v_rest = 0 THEN
    RETURN NULL;
  ELSIF v_kind = 'exit' THEN
    UPDATE engine.positions SET reserved_quantity = reserved_quantity - v_rest, updated_at = p_now
    WHERE tenant_id = p_tenant_id AND profile_id = v_profile_id AND symbol = v_symbol;
    RETURN NULL;
  END IF;
  RETURN (engine.post_capital(p_tenant_id, v_profile_id, 'release', 'release:' || p_intent_id, p_intent_id,
    p_actor, NULL, NULL, v_spec_version, NULL, p_now, v_rest, -v_rest, 0, 0, 0, 0)).event_id;
END $$;
COMMENT ON FUNCTION engine.release_rest(uuid, uuid, text, timestamptz) IS 'releases the rest of a reservation';
REVOKE ALL ON FUNCTION engine.release_rest(uuid, uuid, text, timestamptz) FROM PUBLIC;
