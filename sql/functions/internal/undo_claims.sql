-- Takes back what items had claimed that were denied under locks: keys are deleted, or the
-- key keeps the denial if denials of that code are stored. Nothing of it was visible to anybody before.
-- Locks nothing new; writes idempotency_keys, outbox; raises nothing.
CREATE OR REPLACE FUNCTION engine.undo_claims(
  p_tenant_id uuid, p_plan engine.intent_plan[], p_items integer[], p_kind text, p_now timestamptz
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM engine.idempotency_keys k USING unnest(p_plan) d
  WHERE d.item = ANY (p_items) AND NOT engine.is_stored_denial(d.result ->> 'code')
    AND k.tenant_id = p_tenant_id AND k.robot_id = d.robot_id AND k.key = d.key;
  UPDATE engine.idempotency_keys k SET denial = d.result FROM unnest(p_plan) d
  WHERE d.item = ANY (p_items) AND engine.is_stored_denial(d.result ->> 'code')
    AND k.tenant_id = p_tenant_id AND k.robot_id = d.robot_id AND k.key = d.key;
  PERFORM engine.record_denial(p_tenant_id, d, p_kind, p_now) FROM unnest(p_plan) d
  WHERE d.item = ANY (p_items) AND engine.is_stored_denial(d.result ->> 'code');
END $$;
COMMENT ON FUNCTION engine.undo_claims(uuid, engine.intent_plan[], integer[], text, timestamptz) IS
  'takes back the claims of denied items';
REVOKE ALL ON FUNCTION engine.undo_claims(uuid, engine.intent_plan[], integer[], text, timestamptz) FROM PUBLIC;
