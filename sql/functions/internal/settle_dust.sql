-- Decides whether what remains of the position of an ended order can be sold at all; if not, its cost moves to
-- DUST and the round trip ends. Only while nothing of that profile and symbol holds a reservation, which is
-- what every intent does that is sending, in doubt, or open as an order.
-- Locks: positions, profile_capital. Writes positions, trade_history, the ledger, outbox. Raises nothing.
CREATE OR REPLACE FUNCTION engine.settle_dust(p_tenant_id uuid, p_intent_id uuid, p_now timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_intent engine.intents;
  v_position engine.positions;
  v_event_id bigint;
  v_version bigint;  -- makes the event's key: several may come in one transaction, at one time
BEGIN
  SELECT * INTO v_intent FROM engine.intents WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id;
  SELECT * INTO v_position FROM engine.positions
  WHERE tenant_id = p_tenant_id AND profile_id = v_intent.profile_id AND symbol = v_intent.symbol
  FOR NO KEY UPDATE;
  IF v_position.is_dust IS NOT FALSE OR v_position.quantity = 0 THEN
    RETURN;
  END IF;
  PERFORM FROM engine.instruments u
  WHERE u.tenant_id = p_tenant_id AND u.account_id = v_position.account_id AND u.symbol = v_position.symbol
    AND NOT engine.can_be_sold(v_position.quantity, v_position.last_fill_price, u.lot_size, u.min_quantity,
      u.min_notional);
  IF NOT FOUND THEN
    RETURN;
  END IF;
  PERFORM FROM engine.intents
  WHERE tenant_id = p_tenant_id AND profile_id = v_intent.profile_id AND symbol = v_intent.symbol
    AND released_at IS NULL AND reserved_amount IS NOT NULL
  LIMIT 1;
  IF FOUND THEN
    RETURN;
  END IF;
  IF v_position.cost > 0 THEN
    SELECT version INTO v_version FROM engine.profile_capital
    WHERE tenant_id = p_tenant_id AND profile_id = v_intent.profile_id;
    v_event_id := (engine.post_capital(p_tenant_id, v_intent.profile_id, 'dust', 'dust:' || v_intent.profile_id
      || ':' || v_intent.symbol || ':' || v_version, p_intent_id, 'engine', NULL, NULL,
      v_intent.spec_version, NULL, p_now, 0, 0, -v_position.cost, v_position.cost, 0, 0)).event_id;
  ELSE
    v_event_id := nextval('engine.event_ids');
  END IF;
  UPDATE engine.positions SET is_dust = true, updated_at = p_now
  WHERE tenant_id = p_tenant_id AND profile_id = v_intent.profile_id AND symbol = v_intent.symbol;
  PERFORM engine.close_trip(v_position, v_event_id, p_now);
  INSERT INTO engine.outbox (tenant_id, event_id, profile_id, intent_id, type, payload, recorded_at)
  VALUES (p_tenant_id, v_event_id, v_intent.profile_id, p_intent_id, 'position.dust',
    jsonb_build_object('symbol', v_intent.symbol, 'quantity', trim_scale(v_position.quantity)::text,
      'cost', trim_scale(v_position.cost)::text), p_now);
END $$;
COMMENT ON FUNCTION engine.settle_dust(uuid, uuid, timestamptz) IS 'moves what cannot be sold to DUST';
REVOKE ALL ON FUNCTION engine.settle_dust(uuid, uuid, timestamptz) FROM PUBLIC;
