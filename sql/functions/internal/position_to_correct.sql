-- The position that a correction touches. If the trade has a part of its own, a dust remainder is taken back
-- first, as for any fill; what only corrects leaves dust where it is.
-- Locks positions, profile_capital. Writes what engine.return_dust writes. Raises nothing.
CREATE OR REPLACE FUNCTION engine.position_to_correct(
  p_order engine.orders, p_fill engine.fills, p_spec_version integer, p_replaced numeric
) RETURNS engine.positions
LANGUAGE plpgsql AS $$
DECLARE
  v_position engine.positions;
BEGIN
  SELECT * INTO v_position FROM engine.positions
  WHERE tenant_id = p_order.tenant_id AND profile_id = p_order.profile_id AND symbol = p_order.symbol
  FOR NO KEY UPDATE;
  IF v_position.is_dust AND p_fill.quantity > p_replaced THEN
    PERFORM engine.return_dust(v_position, p_order.intent_id, p_spec_version, p_fill.recorded_at);
    SELECT * INTO v_position FROM engine.positions
    WHERE tenant_id = p_order.tenant_id AND profile_id = p_order.profile_id AND symbol = p_order.symbol;
  END IF;
  RETURN v_position;
END $$;
COMMENT ON FUNCTION engine.position_to_correct(engine.orders, engine.fills, integer, numeric) IS
  'the position that a correction touches';
REVOKE ALL ON FUNCTION engine.position_to_correct(engine.orders, engine.fills, integer, numeric) FROM PUBLIC;
