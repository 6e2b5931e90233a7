-- What a robot is shown of an intent, its reservation and its order.
-- Locks and writes nothing; raises nothing. Called by replays and reads, as the owner.
CREATE OR REPLACE FUNCTION engine.intent_view(p_intent engine.intents) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_order jsonb;
BEGIN
  IF p_intent.exchange_order_id IS NOT NULL THEN
    v_order := engine.order_view(p_intent.tenant_id, p_intent.intent_id);
  END IF;
  RETURN jsonb_build_object(
    'id', p_intent.intent_id, 'kind', p_intent.kind, 'profile_id', p_intent.profile_id,
    'account_id', p_intent.account_id, 'robot_id', p_intent.robot_id, 'symbol', p_intent.symbol,
    'side', p_intent.side, 'type', p_intent.type, 'quantity', trim_scale(p_intent.quantity)::text,
    'limit_price', trim_scale(p_intent.limit_price)::text, 'time_in_force', p_intent.time_in_force,
    'post_only', p_intent.post_only, 'label', p_intent.label, 'client_order_id', p_intent.client_order_id,
    'state', p_intent.state, 'exchange_order_id', p_intent.exchange_order_id,
    'reserved', trim_scale(p_intent.reserved_amount)::text, 'remaining', trim_scale(p_intent.reserved_remaining)::text,
    'cancel_requested_at', p_intent.cancel_requested_at, 'reason_code', p_intent.reason_code,
    'reason', p_intent.reason, 'expires_at', p_intent.expires_at,
    'exchange_deadline', p_intent.exchange_deadline, 'spec_version', p_intent.spec_version,
    'created_at', p_intent.created_at, 'updated_at', p_intent.updated_at,
    'fencing_token', p_intent.fencing_token, 'owner', p_intent.owner, 'order', v_order);
END $$;
COMMENT ON FUNCTION engine.intent_view(engine.intents) IS 'an intent as robots see it, with its order';
REVOKE ALL ON FUNCTION engine.intent_view(engine.intents) FROM PUBLIC;
