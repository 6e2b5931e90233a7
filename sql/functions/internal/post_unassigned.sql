-- Moves an account's unassigned holding of an asset, with the event that explains it.
-- Locks unassigned_holdings (last in the lock order); writes it (a first movement makes the row) and
-- unassigned_events, under an event id of its own. Zero moves nothing. Raises a unique violation for a
-- key that was used: the caller has made sure that it is not.
CREATE OR REPLACE FUNCTION engine.post_unassigned(
  p_tenant_id uuid, p_account_id uuid, p_asset text, p_delta numeric, p_cause text, p_key text, p_actor text,
  p_reason text, p_now timestamptz
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_balance numeric;
BEGIN
  IF p_delta = 0 THEN
    RETURN;
  END IF;
  INSERT INTO engine.unassigned_holdings AS h (tenant_id, account_id, asset, quantity)
  VALUES (p_tenant_id, p_account_id, p_asset, p_delta)
  ON CONFLICT (tenant_id, account_id, asset) DO UPDATE SET quantity = h.quantity + EXCLUDED.quantity
  RETURNING quantity INTO v_balance;
  INSERT INTO engine.unassigned_events (tenant_id, event_id, account_id, asset, delta, balance, cause,
    idempotency_key, actor, reason, recorded_at)
  VALUES (p_tenant_id, nextval('engine.event_ids'), p_account_id, p_asset, p_delta, v_balance, p_cause, p_key,
    p_actor, p_reason, p_now);
END $$;
COMMENT ON FUNCTION engine.post_unassigned(uuid, uuid, text, numeric, text, text, text, text, timestamptz) IS
  'moves an unassigned holding';
REVOKE ALL ON FUNCTION engine.post_unassigned(uuid, uuid, text, numeric, text, text, text, text, timestamptz)
  FROM PUBLIC;
