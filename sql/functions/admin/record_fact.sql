-- Appends a fact to the outbox in the transaction that makes it one.
-- Locks nothing; the caller holds the row whose change this is. Writes one outbox row.
CREATE OR REPLACE FUNCTION engine.record_fact(
    p_tenant_id uuid, p_event_id bigint, p_type text, p_payload jsonb, p_at timestamptz,
    p_profile_id uuid DEFAULT NULL, p_intent_id uuid DEFAULT NULL
)
RETURNS bigint
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
  v_event_id bigint := coalesce(p_event_id, nextval('engine.event_ids'));
BEGIN
  INSERT INTO engine.outbox (tenant_id, event_id, profile_id, intent_id, type, payload, recorded_at)
  VALUES (p_tenant_id, v_event_id, p_profile_id, p_intent_id, p_type, p_payload, p_at);
  RETURN v_event_id;
END
$$;
COMMENT ON FUNCTION engine.record_fact IS
  'Appends one outbox row and gives its event id; NULL draws a new one.';
REVOKE ALL ON FUNCTION engine.record_fact FROM PUBLIC;
