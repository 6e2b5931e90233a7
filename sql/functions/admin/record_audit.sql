-- Keeps what an operator did or was refused. Locks nothing. Writes one audit row. Raises HF422: no actor.
CREATE OR REPLACE FUNCTION engine.record_audit(
    p_tenant_id uuid, p_actor text, p_action text, p_code text, p_detail jsonb, p_at timestamptz
)
RETURNS void
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
  INSERT INTO engine.audit (tenant_id, audit_id, actor, action, code, detail, recorded_at)
  VALUES (p_tenant_id, nextval('engine.event_ids'), engine.checked_text(p_actor, 'actor'), p_action, p_code,
          coalesce(p_detail, '{}'), p_at);
END
$$;
COMMENT ON FUNCTION engine.record_audit IS
  'Appends one audit row.';
REVOKE ALL ON FUNCTION engine.record_audit FROM PUBLIC;
