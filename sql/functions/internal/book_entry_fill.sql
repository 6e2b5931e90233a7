-- Books the capital side of a buy: position at cost, fee, and what its reservation pays; what that cannot
-- cover comes from AVAILABLE. A dust remainder is taken back into the position first, at its cost.
-- A fee in the base asset makes the position smaller and lies in the cost already.
-- Locks positions, profile_capital. Writes positions, reservations and, through post_capital, the ledger.
-- Raises nothing.
CREATE OR REPLACE FUNCTION engine.book_entry_fill(
  p_order engine.orders, p_fill engine.fills, p_spec_version integer, p_base_asset text,
  OUT event_id bigint, OUT halted boolean
)
LANGUAGE plpgsql AS $$
DECLARE
  v_value numeric := coalesce(p_fill.fee_value, 0);
  v_cost numeric := engine.fill_cost(p_fill, p_base_asset);
  v_held numeric;
  v_total numeric := v_cost + v_value;
  v_paid numeric;
BEGIN
  v_held := engine.add_to_position(p_order, p_fill, p_base_asset, engine.fill_gain(p_fill, p_base_asset), v_cost,
    p_spec_version);
  SELECT least(remaining, greatest(v_total, 0)) INTO v_paid FROM engine.reservations
  WHERE tenant_id = p_order.tenant_id AND intent_id = p_order.intent_id;
  IF v_paid > 0 THEN
    UPDATE engine.reservations SET remaining = remaining - v_paid
    WHERE tenant_id = p_order.tenant_id AND intent_id = p_order.intent_id;
  END IF;
  SELECT * INTO event_id, halted FROM engine.post_capital(p_order.tenant_id, p_order.profile_id, 'entry_fill',
    engine.fill_key(p_fill), p_order.intent_id, 'exchange', p_fill.source, p_fill.rate_source, p_spec_version,
    p_fill.exchange_time, p_fill.recorded_at, v_paid - v_total, -v_paid, v_cost, 0, 0, v_value);
END $$;
COMMENT ON FUNCTION engine.book_entry_fill(engine.orders, engine.fills, integer, text) IS
  'books the capital side of a buy';
REVOKE ALL ON FUNCTION engine.book_entry_fill(engine.orders, engine.fills, integer, text) FROM PUBLIC;
