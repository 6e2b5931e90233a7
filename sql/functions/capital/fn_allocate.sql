-- Gives a profile capital from its account's unassigned quote.
-- Answers {code: OK, event_id, replay, capital} or ACCOUNT_CAPITAL_EXCEEDED {unassigned, required}.
-- Locks profile_capital, then the unassigned row. Writes economic_events, journal, profile_capital,
-- unassigned_holdings, unassigned_events, outbox.
-- Raises HF403 foreign tenant; HF404 no such profile; HF413 key missing; HF414 key reused; HF422 bad argument.
CREATE OR REPLACE FUNCTION engine.fn_allocate(
    p_tenant_id uuid, p_profile_id uuid, p_amount numeric, p_idempotency_key text, p_actor text,
    p_reason text
)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  RETURN engine.move_capital(p_tenant_id, p_profile_id, 'allocate', engine.checked_amount(p_amount, 'amount'),
                             p_idempotency_key, engine.checked_text(p_actor, 'actor'), p_reason);
END
$$;
COMMENT ON FUNCTION engine.fn_allocate IS
  'Gives a profile capital from its account''s unassigned quote. A repeated key gives the first event.';
REVOKE ALL ON FUNCTION engine.fn_allocate FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_allocate TO holdfast_engine;
