-- Finds the adjustment that a key made before. Locks nothing, writes nothing.
-- Raises HF414: the key was used for something else.
CREATE OR REPLACE FUNCTION engine.adjustment_of(
    p_tenant_id uuid, p_profile_id uuid, p_key text, p_debit_account text, p_credit_account text,
    p_amount numeric, p_symbol text, p_delta numeric
)
RETURNS jsonb
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
  v_first record;
BEGIN
  SELECT e.event_id, (e.type = 'adjustment' AND e.profile_id = p_profile_id AND j.debit_account = p_debit_account
      AND j.credit_account = p_credit_account AND j.amount = p_amount AND u.delta = p_delta
      AND u.asset = coalesce(s.base_asset, p.quote_asset) AND (p_symbol IS NULL) = (s.symbol IS NULL)) AS same
    INTO v_first
    FROM engine.economic_events e JOIN engine.journal j USING (tenant_id, event_id)
    JOIN engine.profiles p ON p.tenant_id = e.tenant_id AND p.profile_id = e.profile_id
    LEFT JOIN engine.unassigned_events u ON u.tenant_id = e.tenant_id AND u.idempotency_key = e.idempotency_key
    LEFT JOIN engine.positions s ON s.tenant_id = e.tenant_id AND s.profile_id = e.profile_id AND s.symbol = p_symbol
    WHERE e.tenant_id = p_tenant_id AND e.idempotency_key = p_key AND j.line = 1;
  IF NOT FOUND THEN
    RETURN NULL;
  ELSIF v_first.same IS NOT TRUE THEN
    PERFORM engine.refuse('HF414', 'the key was used for something else', jsonb_build_object('key', p_key));
  END IF;
  RETURN jsonb_build_object('code', 'OK', 'event_id', v_first.event_id, 'replay', true,
                            'capital', engine.fn_get_capital(p_tenant_id, p_profile_id));
END
$$;
COMMENT ON FUNCTION engine.adjustment_of IS
  'The answer to a repeated adjustment; NULL if the key is new.';
REVOKE ALL ON FUNCTION engine.adjustment_of FROM PUBLIC;
