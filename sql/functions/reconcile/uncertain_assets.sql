-- The assets of an account whose balances prove nothing while an inferred fill waits for its trades, because those may
-- differ in price and carry a fee: both assets of its symbol, and what the account has paid fees in before.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.uncertain_assets(p_tenant_id uuid, p_account_id uuid)
RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
  v_assets text[] := ARRAY(
    SELECT DISTINCT a.asset
    FROM engine.inferred_fills n
    JOIN engine.orders o ON o.tenant_id = n.tenant_id AND o.intent_id = n.intent_id
    JOIN engine.instruments u ON u.tenant_id = o.tenant_id AND u.account_id = o.account_id AND u.symbol = o.symbol
    CROSS JOIN LATERAL (VALUES (u.base_asset), (u.quote_asset)) a (asset)
    WHERE n.tenant_id = p_tenant_id AND n.replaced_quantity < n.quantity AND o.account_id = p_account_id);
BEGIN
  IF cardinality(v_assets) = 0 THEN
    RETURN v_assets;
  END IF;
  RETURN v_assets || ARRAY(SELECT DISTINCT e.asset FROM engine.unassigned_events e
    WHERE e.tenant_id = p_tenant_id AND e.account_id = p_account_id AND e.cause = 'third_asset_fee');
END
$$;
COMMENT ON FUNCTION engine.uncertain_assets(uuid, uuid) IS
  'Assets whose balances prove nothing while an inferred fill waits for its trades.';
REVOKE ALL ON FUNCTION engine.uncertain_assets(uuid, uuid) FROM PUBLIC;
