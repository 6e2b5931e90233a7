-- What a robot is shown of an intent, its reservation, its order and the order's fees.
-- Locks and writes nothing; raises nothing. Called by replays and reads, as the owner.
CREATE OR REPLACE FUNCTION engine.intent_view(p_intent engine.intents) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN (
    SELECT jsonb_build_object(
      'id', p_intent.intent_id, 'kind', p_intent.kind, 'profile_id', p_intent.profile_id,
      'account_id', p_intent.account_id, 'robot_id', p_intent.robot_id, 'symbol', p_intent.symbol,
      'side', p_intent.side, 'type', p_intent.type, 'quantity', trim_scale(p_intent.quantity)::text,
      'limit_price', trim_scale(p_intent.limit_price)::text, 'time_in_force', p_intent.time_in_force,
      'post_only', p_intent.post_only, 'label', p_intent.label, 'client_order_id', p_intent.client_order_id,
      'state', p_intent.state, 'exchange_order_id', p_intent.exchange_order_id,
      'reserved', trim_scale(r.amount)::text, 'remaining', trim_scale(r.remaining)::text,
      'cancel_requested_at', p_intent.cancel_requested_at, 'reason_code', p_intent.reason_code,
      'reason', p_intent.reason)
    || jsonb_build_object(
      'expires_at', p_intent.expires_at, 'exchange_deadline', p_intent.exchange_deadline,
      'spec_version', p_intent.spec_version, 'created_at', p_intent.created_at,
      'updated_at', p_intent.updated_at, 'fencing_token', p_intent.fencing_token, 'owner', p_intent.owner,
      'order', CASE WHEN o.intent_id IS NOT NULL THEN jsonb_build_object(
        'status', o.status, 'unconfirmed', o.unconfirmed, 'quantity', trim_scale(o.quantity)::text,
        'filled_quantity', trim_scale(o.filled_quantity)::text,
        'booked_quantity', trim_scale(o.booked_quantity)::text,
        'booked_notional', trim_scale(o.booked_notional)::text,
        'average_price', CASE WHEN o.booked_quantity > 0 THEN
          trim_scale(round(o.booked_notional * 1.0000000000000000000000000000 / o.booked_quantity, 18))::text END,
        'fees', (
          SELECT coalesce(jsonb_object_agg(f.fee_asset, trim_scale(f.total)::text), '{}')
          FROM (SELECT fee_asset, sum(fee_quantity) AS total FROM engine.fills
                WHERE tenant_id = o.tenant_id AND intent_id = o.intent_id
                  AND fee_asset IS NOT NULL AND superseded_at IS NULL
                GROUP BY fee_asset) f),
        'exchange_time', o.exchange_time, 'finished_at', o.finished_at) END)
    FROM (SELECT p_intent.tenant_id, p_intent.intent_id) i
    LEFT JOIN engine.reservations r USING (tenant_id, intent_id)
    LEFT JOIN engine.orders o USING (tenant_id, intent_id));
END $$;
COMMENT ON FUNCTION engine.intent_view(engine.intents) IS 'an intent as robots see it, with its order';
REVOKE ALL ON FUNCTION engine.intent_view(engine.intents) FROM PUBLIC;
