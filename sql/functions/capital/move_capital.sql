-- Moves capital between an account's unassigned quote and one of its profiles: what allocate and withdraw share.
-- Locks profile_capital, then the unassigned row: two profiles can never be given the same money.
-- Writes economic_events, journal, profile_capital, unassigned_holdings, unassigned_events, outbox.
-- Raises HF404 no such profile; HF413 key missing; HF414 key reused; HF422 bad amount, actor or key.
CREATE OR REPLACE FUNCTION engine.move_capital(
    p_tenant_id uuid, p_profile_id uuid, p_type text, p_amount numeric, p_idempotency_key text,
    p_actor text, p_reason text
)
RETURNS jsonb
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
  v_now        timestamptz := engine.fn_clock();
  v_key        text := engine.operator_key(p_idempotency_key);
  v_capital    engine.profile_capital;
  v_profile    engine.profiles;
  v_first      record;
  v_unassigned numeric;
  v_event_id   bigint;
BEGIN
  SELECT * INTO v_capital FROM engine.profile_capital
    WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id FOR NO KEY UPDATE;
  SELECT * INTO v_profile FROM engine.profiles WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such profile', jsonb_build_object('profile_id', p_profile_id));
  END IF;
  SELECT e.event_id, e.type = p_type AND e.profile_id = p_profile_id AND j.amount = p_amount AS same INTO v_first
    FROM engine.economic_events e JOIN engine.journal j USING (tenant_id, event_id)
    WHERE e.tenant_id = p_tenant_id AND e.idempotency_key = v_key AND j.line = 1;
  IF FOUND THEN
    IF NOT v_first.same THEN
      PERFORM engine.refuse('HF414', 'the key was used for something else',
                            jsonb_build_object('key', p_idempotency_key));
    END IF;
    RETURN jsonb_build_object('code', 'OK', 'event_id', v_first.event_id, 'replay', true,
                              'capital', engine.capital_view(v_capital));
  END IF;
  SELECT quantity INTO v_unassigned FROM engine.unassigned_holdings
    WHERE tenant_id = p_tenant_id AND account_id = v_profile.account_id AND asset = v_profile.quote_asset
    FOR NO KEY UPDATE;
  v_unassigned := coalesce(v_unassigned, 0);
  IF p_type = 'allocate' AND v_unassigned < p_amount THEN
    RETURN jsonb_build_object('code', 'ACCOUNT_CAPITAL_EXCEEDED', 'asset', v_profile.quote_asset,
      'required', trim_scale(p_amount)::text, 'unassigned', trim_scale(v_unassigned)::text);
  ELSIF p_type = 'withdraw' AND v_capital.available < p_amount THEN
    RETURN jsonb_build_object('code', 'INSUFFICIENT_CAPITAL', 'required', trim_scale(p_amount)::text,
                              'available', trim_scale(v_capital.available)::text);
  END IF;
  v_event_id := engine.post_event(p_tenant_id, p_profile_id, p_type, v_key, p_actor, p_reason,
    jsonb_build_array(jsonb_build_object(
      'debit', CASE p_type WHEN 'allocate' THEN 'AVAILABLE' ELSE 'CAPITAL' END,
      'credit', CASE p_type WHEN 'allocate' THEN 'CAPITAL' ELSE 'AVAILABLE' END, 'amount', p_amount::text)),
    CASE p_type WHEN 'allocate' THEN 'capital.allocated' ELSE 'capital.withdrawn' END,
    jsonb_build_object('amount', trim_scale(p_amount)::text, 'asset', v_profile.quote_asset, 'actor', p_actor,
                       'reason', p_reason), v_now);
  PERFORM engine.move_unassigned(p_tenant_id, v_profile.account_id, v_profile.quote_asset,
    CASE p_type WHEN 'allocate' THEN -p_amount ELSE p_amount END, p_type, v_event_id, v_key, p_actor, p_reason, v_now);
  SELECT * INTO v_capital FROM engine.profile_capital WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id;
  RETURN jsonb_build_object('code', 'OK', 'event_id', v_event_id, 'replay', false,
                            'capital', engine.capital_view(v_capital));
END
$$;
COMMENT ON FUNCTION engine.move_capital IS
  'Allocates or withdraws; gives {code, event_id, replay, capital} or the denial with its numbers.';
REVOKE ALL ON FUNCTION engine.move_capital FROM PUBLIC;
