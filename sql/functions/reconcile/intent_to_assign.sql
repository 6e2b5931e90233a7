-- The intent of an order that no robot asked for: what the exchange reports of it, under the nil robot and owner. An
-- order without a client order id gets one of its own that no exchange could carry.
-- Locks nothing, writes nothing. Raises HF404 no such profile or instrument; HF422: the report is not complete.
CREATE OR REPLACE FUNCTION engine.intent_to_assign(
    p_account engine.exchange_accounts, p_profile_id uuid, p_order jsonb, p_fills engine.foreign_fills[],
    p_now timestamptz
)
RETURNS engine.intents
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
  v_nobody constant uuid := '00000000-0000-0000-0000-000000000000';
  v_profile engine.profiles;
  v_intent  engine.intents;
BEGIN
  SELECT * INTO v_profile FROM engine.profiles
    WHERE tenant_id = p_account.tenant_id AND profile_id = p_profile_id AND account_id = p_account.account_id;
  IF NOT FOUND OR NOT EXISTS (SELECT FROM engine.instruments WHERE tenant_id = p_account.tenant_id
      AND account_id = p_account.account_id AND symbol = p_order->>'symbol'
      AND quote_asset = v_profile.quote_asset) THEN
    PERFORM engine.refuse('HF404', 'no such profile of this account, or no such instrument in its quote asset',
      jsonb_build_object('profile_id', p_profile_id, 'symbol', p_order->>'symbol'));
  END IF;
  IF (p_order->>'side' IN ('buy', 'sell')
      AND coalesce(p_order->>'status', 'open') IN ('open', 'filled', 'canceled', 'expired', 'rejected'))
      IS NOT TRUE THEN
    PERFORM engine.refuse('HF422', 'an order has a side and a status', jsonb_build_object('order', p_order));
  END IF;
  v_intent.tenant_id := p_account.tenant_id;
  v_intent.intent_id := gen_random_uuid();
  v_intent.profile_id := p_profile_id;
  v_intent.account_id := p_account.account_id;
  v_intent.robot_id := v_nobody;
  v_intent.idempotency_key := v_intent.intent_id;
  v_intent.request_hash := '';
  v_intent.side := p_order->>'side';
  v_intent.kind := CASE v_intent.side WHEN 'buy' THEN 'entry' ELSE 'exit' END;
  v_intent.symbol := p_order->>'symbol';
  v_intent.quantity := engine.checked_amount((p_order->>'quantity')::numeric, 'quantity');
  v_intent.limit_price := coalesce(nullif((p_order->>'price')::numeric, 0),
    (SELECT max(f.price) FROM unnest(p_fills) f));
  v_intent.type := CASE WHEN v_intent.limit_price IS NULL THEN 'market' ELSE 'limit' END;
  IF v_intent.limit_price IS NOT NULL OR v_intent.kind = 'entry' THEN
    PERFORM engine.checked_amount(v_intent.limit_price, 'price');
  END IF;
  v_intent.time_in_force := 'GTC';
  v_intent.post_only := false;
  v_intent.label := 'assigned';
  v_intent.client_order_id := coalesce(nullif(p_order->>'client_order_id', ''), 'assigned:' || p_account.account_id
    || ':' || v_intent.symbol || ':' || (p_order->>'exchange_order_id'));
  v_intent.state := 'sending';
  v_intent.owner := v_nobody;
  v_intent.fencing_token := nextval('engine.fencing_tokens');
  v_intent.expires_at := p_now;
  v_intent.exchange_deadline := p_now;
  v_intent.spec_version := v_profile.spec_version;
  v_intent.created_at := p_now;
  v_intent.updated_at := p_now;
  RETURN v_intent;
END
$$;
COMMENT ON FUNCTION engine.intent_to_assign IS
  'The intent of an order that no robot asked for.';
REVOKE ALL ON FUNCTION engine.intent_to_assign FROM PUBLIC;
