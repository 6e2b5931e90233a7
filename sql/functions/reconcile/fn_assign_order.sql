-- An operator says whose an order is that the exchange shows and no intent explains. Nobody's (p_profile_id NULL): it
-- stays on the unassigned holding and is not asked about again. A profile's: intent, reservation and order are made as
-- if a robot had asked for it, its fills go from the unassigned holding to the profile, its end is applied. p_order:
-- {side, quantity, price, status, filled_quantity, client_order_id, exchange_time}, as the exchange reports it.
-- Answers {code: OK, replay, order}, INSUFFICIENT_CAPITAL {required, available}, INSUFFICIENT_POSITION {required,
-- sellable}, or CONFLICT {intent_id}: it is another's already. Only OK leaves something.
-- Locks the account, foreign_fills, position, profile_capital, unassigned_holdings. Writes what opening and confirming
-- an order writes, foreign_fills, unassigned_holdings and _events, mismatches, outbox, audit.
-- Raises HF403 foreign tenant; HF404 no such account, profile or instrument; HF413 key missing; HF414 key reused;
-- HF422 bad argument.
CREATE OR REPLACE FUNCTION engine.fn_assign_order(
    p_tenant_id uuid, p_account_id uuid, p_symbol text, p_exchange_order_id text, p_profile_id uuid, p_order jsonb,
    p_key text, p_actor text, p_reason text
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now    timestamptz := engine.fn_clock();
  v_key    text;
  v_fact   jsonb;
  v_order  engine.orders;
  v_answer jsonb;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  PERFORM engine.require_account(p_tenant_id, p_account_id);
  v_key := engine.operator_key(p_key);
  PERFORM engine.checked_text(p_actor, 'actor'), engine.checked_text(p_reason, 'reason'),
          engine.checked_text(p_symbol, 'symbol'), engine.checked_text(p_exchange_order_id, 'exchange_order_id');
  v_fact := jsonb_build_object('account_id', p_account_id, 'symbol', p_symbol,
    'exchange_order_id', p_exchange_order_id, 'profile_id', p_profile_id, 'key', v_key);
  IF EXISTS (SELECT FROM engine.audit a WHERE a.tenant_id = p_tenant_id AND a.action = 'assign'
             AND a.detail->>'key' = v_key AND NOT a.detail @> v_fact) THEN
    PERFORM engine.refuse('HF414', 'the key was used for something else', jsonb_build_object('key', p_key));
  END IF;
  -- two operators at once: the second waits here and finds the order
  PERFORM FROM engine.exchange_accounts WHERE tenant_id = p_tenant_id AND account_id = p_account_id FOR NO KEY UPDATE;
  PERFORM FROM engine.foreign_fills WHERE tenant_id = p_tenant_id AND account_id = p_account_id
    AND symbol = p_symbol AND exchange_order_id = p_exchange_order_id
    ORDER BY exchange_trade_id FOR NO KEY UPDATE;
  SELECT * INTO v_order FROM engine.orders WHERE tenant_id = p_tenant_id AND account_id = p_account_id
    AND symbol = p_symbol AND exchange_order_id = p_exchange_order_id;
  IF FOUND AND v_order.profile_id IS DISTINCT FROM p_profile_id THEN
    RETURN jsonb_build_object('code', 'CONFLICT', 'intent_id', v_order.intent_id);
  ELSIF FOUND OR (p_profile_id IS NULL AND EXISTS (SELECT FROM engine.mismatches WHERE tenant_id = p_tenant_id
      AND account_id = p_account_id AND key = p_symbol || ':' || p_exchange_order_id AND state = 'assigned')) THEN
    RETURN jsonb_build_object('code', 'OK', 'replay', true,
      'order', CASE WHEN v_order.intent_id IS NOT NULL THEN engine.fn_get_order(p_tenant_id, v_order.intent_id) END);
  END IF;
  v_answer := '{"code": "OK", "replay": false, "order": null}';
  IF p_profile_id IS NOT NULL THEN
    v_answer := engine.assign_to_profile(p_tenant_id, p_account_id, p_profile_id, p_order || jsonb_build_object(
      'symbol', p_symbol, 'exchange_order_id', p_exchange_order_id), p_actor, p_reason, v_now);
  END IF;
  IF v_answer->>'code' = 'OK' THEN
    PERFORM engine.end_as_assigned(p_tenant_id, p_account_id, p_symbol, p_exchange_order_id, p_profile_id, p_order,
                                   v_now);
    PERFORM engine.record_audit(p_tenant_id, p_actor, 'assign', v_answer->>'code', v_fact || jsonb_build_object(
      'reason', p_reason, 'order', p_order, 'intent_id', v_answer->'order'->'id'), v_now);
  END IF;
  RETURN v_answer;
END
$$;
COMMENT ON FUNCTION engine.fn_assign_order IS
  'Gives an unknown or foreign order to a profile, or to nobody. The same call again changes nothing.';
REVOKE ALL ON FUNCTION engine.fn_assign_order FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_assign_order TO holdfast_engine;
