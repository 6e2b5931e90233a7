-- Ends the mismatch of an order that an operator has assigned, and remembers the decision even if no pass had shown the
-- order yet. Locks and writes mismatches. Raises nothing.
CREATE OR REPLACE FUNCTION engine.end_as_assigned(
    p_tenant_id uuid, p_account_id uuid, p_symbol text, p_exchange_order_id text, p_profile_id uuid, p_order jsonb,
    p_now timestamptz
)
RETURNS void
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
  v_whose text := 'assigned to ' || coalesce(p_profile_id::text, 'nobody');
BEGIN
  UPDATE engine.mismatches SET state = 'assigned', ended_at = p_now, outcome = v_whose, profile_id = p_profile_id
    WHERE tenant_id = p_tenant_id AND account_id = p_account_id AND kind IN ('unknown_own_order', 'foreign_order')
      AND key = p_symbol || ':' || p_exchange_order_id AND ended_at IS NULL;
  IF NOT FOUND THEN
    INSERT INTO engine.mismatches (tenant_id, mismatch_id, account_id, profile_id, kind, key, state, first_pass_id,
      last_pass_id, passes, outcome, detail, first_seen_at, last_seen_at, ended_at)
    VALUES (p_tenant_id, nextval('engine.event_ids'), p_account_id, p_profile_id, 'foreign_order',
      p_symbol || ':' || p_exchange_order_id, 'assigned', 0, 0, 0, v_whose,
      coalesce(p_order, '{}') || jsonb_build_object('symbol', p_symbol, 'exchange_order_id', p_exchange_order_id),
      p_now, p_now, p_now);
  END IF;
END
$$;
COMMENT ON FUNCTION engine.end_as_assigned IS
  'Ends the mismatch of an order that was assigned.';
REVOKE ALL ON FUNCTION engine.end_as_assigned FROM PUBLIC;
