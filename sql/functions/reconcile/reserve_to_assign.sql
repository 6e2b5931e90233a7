-- Reserves what an assigned order takes of a profile, and writes its intent: an order that has ended, for what it
-- filled; one that is open, for the whole of it. Answers {code: OK}, INSUFFICIENT_CAPITAL or INSUFFICIENT_POSITION.
-- Locks the position, then profile_capital. Writes intents, positions or the ledger, outbox.
-- Raises what the tables raise.
CREATE OR REPLACE FUNCTION engine.reserve_to_assign(
    p_intent engine.intents, p_order jsonb, p_actor text, p_reason text, p_now timestamptz
)
RETURNS jsonb
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
  v_quantity  numeric := CASE WHEN coalesce(p_order->>'status', 'open') IN ('canceled', 'expired', 'rejected')
    THEN coalesce(nullif((p_order->>'filled_quantity')::numeric, 0), p_intent.quantity) ELSE p_intent.quantity END;
  v_held      numeric;
  v_available numeric;
  v_required  numeric := v_quantity;
  v_event_id  bigint;
BEGIN
  SELECT quantity - reserved_quantity INTO v_held FROM engine.positions WHERE tenant_id = p_intent.tenant_id
    AND profile_id = p_intent.profile_id AND symbol = p_intent.symbol FOR NO KEY UPDATE;
  IF p_intent.kind = 'exit' AND coalesce(v_held, 0) < v_required THEN
    RETURN jsonb_build_object('code', 'INSUFFICIENT_POSITION', 'required', trim_scale(v_required)::text,
                              'sellable', trim_scale(coalesce(v_held, 0))::text);
  ELSIF p_intent.kind = 'entry' THEN
    SELECT engine.entry_cost(v_quantity, p_intent.limit_price, u.maker_fee_rate, u.taker_fee_rate) INTO v_required
      FROM engine.instruments u WHERE u.tenant_id = p_intent.tenant_id AND u.account_id = p_intent.account_id
        AND u.symbol = p_intent.symbol;
    SELECT available INTO v_available FROM engine.profile_capital
      WHERE tenant_id = p_intent.tenant_id AND profile_id = p_intent.profile_id FOR NO KEY UPDATE;
    IF v_available < v_required THEN
      RETURN jsonb_build_object('code', 'INSUFFICIENT_CAPITAL', 'required', trim_scale(v_required)::text,
                                'available', trim_scale(v_available)::text);
    END IF;
  END IF;
  p_intent.reserved_unit := CASE p_intent.kind WHEN 'entry' THEN 'quote' ELSE 'base' END;
  p_intent.reserved_amount := v_required;
  p_intent.reserved_remaining := v_required;
  INSERT INTO engine.intents SELECT p_intent.*;
  IF p_intent.kind = 'entry' THEN
    v_event_id := (engine.post_capital(p_intent.tenant_id, p_intent.profile_id, 'reserve',
      'reserve:' || p_intent.intent_id, p_intent.intent_id, p_actor, 'assigned: ' || p_reason, NULL,
      p_intent.spec_version, NULL, p_now, -v_required, v_required, 0, 0, 0, 0)).event_id;
  ELSE
    UPDATE engine.positions SET reserved_quantity = reserved_quantity + v_required, updated_at = p_now
      WHERE tenant_id = p_intent.tenant_id AND profile_id = p_intent.profile_id AND symbol = p_intent.symbol;
  END IF;
  PERFORM engine.record_fact(p_intent.tenant_id, v_event_id, 'order.assigned', jsonb_build_object(
    'client_order_id', p_intent.client_order_id, 'symbol', p_intent.symbol, 'kind', p_intent.kind,
    'exchange_order_id', p_order->>'exchange_order_id', 'quantity', trim_scale(p_intent.quantity)::text,
    'reserved', trim_scale(v_required)::text, 'actor', p_actor, 'reason', p_reason),
    p_now, p_intent.profile_id, p_intent.intent_id);
  RETURN '{"code": "OK"}';
END
$$;
COMMENT ON FUNCTION engine.reserve_to_assign IS
  'Reserves what an assigned order takes, and writes its intent.';
REVOKE ALL ON FUNCTION engine.reserve_to_assign FROM PUBLIC;
