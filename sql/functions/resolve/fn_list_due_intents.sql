-- Reads what the resolver of one exchange account has to look at: intents in doubt, or sending past their expiry, the
-- longest expired first, those after p_after in that order; and how many wait for an operator.
-- Locks nothing, writes nothing. Returns {due: [views], needs_operator: n}. Raises HF403 foreign tenant.
CREATE OR REPLACE FUNCTION engine.fn_list_due_intents(
    p_tenant_id uuid, p_account_id uuid, p_limit integer, p_after uuid
)
RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  RETURN (
    SELECT jsonb_build_object(
      'due', coalesce(jsonb_agg(engine.intent_view(d) ORDER BY d.expires_at, d.intent_id), '[]'),
      'needs_operator', (SELECT count(*) FROM engine.unresolved(p_tenant_id) n
        WHERE n.account_id = p_account_id AND n.state = 'needs_operator'))
    FROM (
      SELECT i.* FROM engine.unresolved(p_tenant_id) i
      WHERE i.account_id = p_account_id
        AND (i.state = 'in_doubt' OR (i.state = 'sending' AND i.expires_at <= v_now))
        AND (p_after IS NULL OR (i.expires_at, i.intent_id) > (
          SELECT a.expires_at, a.intent_id FROM engine.intents a
          WHERE a.tenant_id = p_tenant_id AND a.intent_id = p_after))
      ORDER BY i.expires_at, i.intent_id LIMIT p_limit) d);
END
$$;
COMMENT ON FUNCTION engine.fn_list_due_intents IS
  'Intents of an account that the resolver has to look at: {due, needs_operator}.';
REVOKE ALL ON FUNCTION engine.fn_list_due_intents FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_list_due_intents TO holdfast_engine;
