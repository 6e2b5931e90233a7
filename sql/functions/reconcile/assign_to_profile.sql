-- Makes an order of nobody's a profile's: the write-ahead record it never had, its reservation, then what a
-- confirmation does with its fills and its end; at last the unassigned holding gives the fills back. What it still may
-- buy must be covered by what is available, what it may sell by what is held: an operator's word creates no capital.
-- Answers as fn_assign_order. Locks position, profile_capital, unassigned_holdings, in this order.
-- Writes intents, reservations, foreign_fills and what those steps write. Raises HF404, HF422, HF412.
CREATE OR REPLACE FUNCTION engine.assign_to_profile(
    p_tenant_id uuid, p_account_id uuid, p_profile_id uuid, p_order jsonb, p_actor text, p_reason text,
    p_now timestamptz
)
RETURNS jsonb
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
  v_account engine.exchange_accounts;
  v_fills   engine.foreign_fills[];
  v_intent  engine.intents;
  v_answer  jsonb;
  v_item    jsonb;
BEGIN
  SELECT * INTO v_account FROM engine.exchange_accounts WHERE tenant_id = p_tenant_id AND account_id = p_account_id;
  v_fills := ARRAY(SELECT f FROM engine.foreign_fills f WHERE f.tenant_id = p_tenant_id
    AND f.account_id = p_account_id AND f.symbol = p_order->>'symbol'
    AND f.exchange_order_id = p_order->>'exchange_order_id' AND f.returned_at IS NULL
    ORDER BY f.exchange_time, f.exchange_trade_id);
  v_intent := engine.intent_to_assign(v_account, p_profile_id, p_order, v_fills, p_now);
  SELECT jsonb_build_object('code', 'CONFLICT', 'intent_id', i.intent_id) INTO v_answer FROM engine.intents i
    WHERE i.tenant_id = p_tenant_id AND i.client_order_id = v_intent.client_order_id;
  v_answer := coalesce(v_answer, engine.reserve_to_assign(v_intent, p_order, p_actor, p_reason, p_now));
  IF v_answer->>'code' <> 'OK' THEN
    RETURN v_answer;
  END IF;
  v_item := jsonb_build_array(jsonb_build_object('intent_id', v_intent.intent_id,
    'exchange_order_id', p_order->>'exchange_order_id', 'status', p_order->>'status',
    'filled_quantity', p_order->>'filled_quantity', 'exchange_time', p_order->>'exchange_time',
    'evidence', jsonb_build_object('assigned_by', p_actor, 'reason', p_reason),
    'fills', (SELECT coalesce(jsonb_agg(jsonb_build_object('exchange_trade_id', f.exchange_trade_id, 'side', f.side,
      'price', f.price::text, 'quantity', f.quantity::text, 'fee_quantity', f.fee_quantity::text,
      'fee_asset', f.fee_asset, 'maker', f.maker, 'exchange_time', f.exchange_time, 'source', 'assigned')
      ORDER BY f.exchange_time, f.exchange_trade_id), '[]') FROM unnest(v_fills) f)));
  v_answer := CASE v_intent.kind WHEN 'entry' THEN engine.fn_persist_entry_lifecycle(p_tenant_id, v_item)
    ELSE engine.fn_persist_exit_lifecycle(p_tenant_id, v_item) END -> 0;
  IF v_answer->>'code' <> 'OK' THEN
    PERFORM engine.refuse('HF412', 'the assigned order was not confirmed', v_answer);
  END IF;
  PERFORM engine.move_holdings(v_account, engine.fill_moves(v_fills, true), p_now);
  PERFORM engine.keep_foreign_fills(v_account, '{}', v_fills, p_now);
  RETURN jsonb_build_object('code', 'OK', 'replay', false,
                            'order', engine.fn_get_order(p_tenant_id, v_intent.intent_id));
END
$$;
COMMENT ON FUNCTION engine.assign_to_profile IS
  'Makes an order of nobody''s a profile''s, with its fills.';
REVOKE ALL ON FUNCTION engine.assign_to_profile FROM PUBLIC;
