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
  INSERT INTO engine.trade_history (tenant_id, event_id, profile_id, symbol, bought_quantity, bought_notional,
      sold_quantity, sold_notional, fees, trading_pnl, dust_quantity, dust_cost, opened_at, closed_at)
    VALUES (p_tenant_id, p_event_id, p_profile_id, p_symbol, v_position.bought_quantity, v_position.bought_notional,
      v_position.sold_quantity, v_position.sold_notional, v_position.trip_fees, v_position.trip_pnl, 0, 0,
      v_position.opened_at, p_at);
  UPDATE engine.positions
    SET is_dust = false, opened_at = NULL, bought_quantity = 0, bought_notional = 0, sold_quantity = 0,
        sold_notional = 0, trip_fees = 0, trip_pnl = 0
    WHERE tenant_id = p_tenant_id AND profile_id = p_profile_id AND symbol = p_symbol;
END
$$;
COMMENT ON FUNCTION engine.adjust_position IS
  'Moves quantity and cost of a position; signed.';
REVOKE ALL ON FUNCTION engine.adjust_position FROM PUBLIC;
