-- Changes what of an exchange account belongs to no profile, with the event that explains it.
-- Locks the unassigned row (last in the lock order). Writes unassigned_holdings, unassigned_events.
-- Raises HF414: the key explained another movement.
CREATE OR REPLACE FUNCTION engine.move_unassigned(
    p_tenant_id uuid, p_account_id uuid, p_asset text, p_delta numeric, p_cause text,
    p_event_id bigint, p_key text, p_actor text, p_reason text, p_at timestamptz
)
RETURNS numeric
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
  v_quantity numeric;
BEGIN
  INSERT INTO engine.unassigned_holdings AS h (tenant_id, account_id, asset, quantity)
    VALUES (p_tenant_id, p_account_id, p_asset, p_delta)
    ON CONFLICT (tenant_id, account_id, asset) DO UPDATE SET quantity = h.quantity + excluded.quantity
    RETURNING h.quantity INTO v_quantity;
  INSERT INTO engine.unassigned_events (tenant_id, event_id, account_id, asset, delta, balance, cause, idempotency_key,
                                        actor, reason, recorded_at)
    VALUES (p_tenant_id, p_event_id, p_account_id, p_asset, p_delta, v_quantity, p_cause, p_key, p_actor, p_reason,
            p_at)
    ON CONFLICT (tenant_id, idempotency_key) DO NOTHING;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF414', 'the key was used for something else', jsonb_build_object('key', p_key));
  END IF;
  RETURN v_quantity;
END
$$;
COMMENT ON FUNCTION engine.move_unassigned IS
  'Moves an unassigned holding; gives the quantity after it.';
REVOKE ALL ON FUNCTION engine.move_unassigned FROM PUBLIC;
