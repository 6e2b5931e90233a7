-- The account's side of a fee in a third asset: the unassigned holding paid it raw, and gets its value in
-- quote from the profile once it is valued.
-- Locks and writes unassigned_holdings in asset order, unassigned_events. Raises nothing.
CREATE OR REPLACE FUNCTION engine.post_third_asset_fee(p_fill engine.fills, p_quote text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  v_key text := engine.fill_key(p_fill);
BEGIN
  IF p_fill.fee_asset < p_quote THEN
    PERFORM engine.post_unassigned(p_fill.tenant_id, p_fill.account_id, p_fill.fee_asset, -p_fill.fee_quantity,
      'third_asset_fee', v_key || ':fee', 'exchange', NULL, p_fill.recorded_at);
  END IF;
  PERFORM engine.post_unassigned(p_fill.tenant_id, p_fill.account_id, p_quote, coalesce(p_fill.fee_value, 0),
    'fee_value', v_key || ':value', 'exchange', NULL, p_fill.recorded_at);
  IF p_fill.fee_asset > p_quote THEN
    PERFORM engine.post_unassigned(p_fill.tenant_id, p_fill.account_id, p_fill.fee_asset, -p_fill.fee_quantity,
      'third_asset_fee', v_key || ':fee', 'exchange', NULL, p_fill.recorded_at);
  END IF;
END $$;
COMMENT ON FUNCTION engine.post_third_asset_fee(engine.fills, text) IS 'a third asset''s fee on the account''s side';
REVOKE ALL ON FUNCTION engine.post_third_asset_fee(engine.fills, text) FROM PUBLIC;
