-- Publishes a stored denial. Locks nothing; writes one outbox row; raises nothing.
CREATE OR REPLACE FUNCTION engine.record_denial(
  p_tenant_id uuid, p_plan engine.intent_plan, p_kind text, p_now timestamptz
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO engine.outbox (tenant_id, event_id, profile_id, type, payload, recorded_at)
  VALUES (p_tenant_id, nextval('engine.event_ids'), p_plan.profile_id, p_kind || '.denied',
    p_plan.result || jsonb_build_object('robot_id', p_plan.robot_id, 'symbol', p_plan.symbol,
      'type', p_plan.type, 'quantity', trim_scale(p_plan.quantity)::text,
      'limit_price', trim_scale(p_plan.limit_price)::text, 'label', p_plan.label), p_now);
END $$;
COMMENT ON FUNCTION engine.record_denial(uuid, engine.intent_plan, text, timestamptz) IS 'publishes a denial';
REVOKE ALL ON FUNCTION engine.record_denial(uuid, engine.intent_plan, text, timestamptz) FROM PUBLIC;
