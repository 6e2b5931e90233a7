-- Halts a profile because of a fact that should not be; a profile that is halted keeps its first reason.
-- Locks and writes profile_capital; writes outbox. Raises nothing.
CREATE OR REPLACE FUNCTION engine.halt_profile(
  p_tenant_id uuid, p_profile_id uuid, p_intent_id uuid, p_reason text, p_now timestamptz
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE engine.profile_capital SET mode = 'halted', mode_reason = p_reason, updated_at = p_now
  WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id AND mode <> 'halted';
  IF FOUND THEN
    INSERT INTO engine.outbox (tenant_id, event_id, profile_id, intent_id, type, payload, recorded_at)
    VALUES (p_tenant_id, nextval('engine.event_ids'), p_profile_id, p_intent_id, 'profile.halted',
      jsonb_build_object('reason', p_reason), p_now);
  END IF;
END $$;
COMMENT ON FUNCTION engine.halt_profile(uuid, uuid, uuid, text, timestamptz) IS 'halts a profile by a fact';
REVOKE ALL ON FUNCTION engine.halt_profile(uuid, uuid, uuid, text, timestamptz) FROM PUBLIC;
