-- Keeps a refusal that rolled its own transaction back; the ledger seam calls it in a second one.
-- Locks nothing. Writes one audit row. Raises HF403 foreign tenant; HF422 no actor or action.
CREATE OR REPLACE FUNCTION engine.fn_record_refusal(
    p_tenant_id uuid, p_actor text, p_action text, p_code text, p_detail jsonb
)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  PERFORM engine.record_audit(p_tenant_id, p_actor, engine.checked_text(p_action, 'action'), p_code, p_detail,
                              engine.fn_clock());
END
$$;
COMMENT ON FUNCTION engine.fn_record_refusal IS
  'Appends one audit row about a refused call.';
REVOKE ALL ON FUNCTION engine.fn_record_refusal FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_record_refusal TO holdfast_engine;
