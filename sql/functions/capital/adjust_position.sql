-- Changes a position by an operator's word; a position that reaches zero closes its round trip.
-- The caller holds the position's row and has checked that it can give what is taken.
-- Writes positions, trade_history.
CREATE OR REPLACE FUNCTION engine.adjust_position(
    p_tenant_id uuid, p_profile_id uuid, p_symbol text, p_quantity numeric, p_cost numeric,
    p_pnl numeric, p_event_id bigint, p_at timestamptz
)
RETURNS void
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
  v_position engine.positions;
BEGIN
  UPDATE engine.positions
    SET quantity = quantity + p_quantity, cost = cost + p_cost, trip_pnl = trip_pnl + p_pnl,
        opened_at = coalesce(opened_at, p_at), updated_at = p_at
    WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id AND symbol = p_symbol
    RETURNING * INTO v_position;
  IF v_position.quantity > 0 THEN
    RETURN;
  END IF;
  PERFORM engine.close_trip(v_position, p_event_id, p_at);
  UPDATE engine.positions SET is_dust = false
    WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id AND symbol = p_symbol;
END
$$;
COMMENT ON FUNCTION engine.adjust_position IS
  'Moves quantity and cost of a position; signed.';
REVOKE ALL ON FUNCTION engine.adjust_position FROM PUBLIC;
