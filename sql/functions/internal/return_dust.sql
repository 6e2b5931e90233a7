-- Takes a dust remainder back into its position at its cost; a new round trip begins with it.
-- Locks profile_capital (the caller holds the position). Writes positions, the ledger, outbox. Raises nothing.
CREATE OR REPLACE FUNCTION engine.return_dust(
  p_position engine.positions, p_intent_id uuid, p_spec_version integer, p_now timestamptz
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_version bigint;  -- makes the event's key: several may come in one transaction, at one time
BEGIN
  UPDATE engine.positions SET is_dust = false, opened_at = p_now, bought_quantity = quantity,
    bought_notional = cost, updated_at = p_now
  WHERE tenant_id = p_position.tenant_id AND profile_id = p_position.profile_id AND symbol = p_position.symbol;
  IF p_position.cost = 0 THEN
    RETURN;  -- it came at no cost: there is nothing to move
  END IF;
  SELECT version INTO v_version FROM engine.profile_capital
  WHERE tenant_id = p_position.tenant_id AND profile_id = p_position.profile_id;
  PERFORM engine.post_capital(p_position.tenant_id, p_position.profile_id, 'dust_returned',
    'dust_returned:' || p_position.profile_id || ':' || p_position.symbol || ':' || v_version,
    p_intent_id, 'engine', NULL, NULL, p_spec_version, NULL, p_now,
    0, 0, p_position.cost, -p_position.cost, 0, 0, 'position.dust_returned', jsonb_build_object(
      'symbol', p_position.symbol, 'quantity', trim_scale(p_position.quantity)::text,
      'cost', trim_scale(p_position.cost)::text));
END $$;
COMMENT ON FUNCTION engine.return_dust(engine.positions, uuid, integer, timestamptz) IS
  'takes dust back into its position';
REVOKE ALL ON FUNCTION engine.return_dust(engine.positions, uuid, integer, timestamptz) FROM PUBLIC;
