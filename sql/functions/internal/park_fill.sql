-- Keeps a fill whose order is not known yet; the same one again changes nothing.
-- Locks nothing; writes unmatched_fills. Returns code PARKED. Raises HF422 for a fill without an identity.
CREATE OR REPLACE FUNCTION engine.park_fill(p_tenant_id uuid, p_item jsonb, p_now timestamptz) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
  IF p_item ->> 'account_id' IS NULL OR p_item ->> 'symbol' IS NULL OR p_item ->> 'exchange_order_id' IS NULL
    OR p_item ->> 'exchange_trade_id' IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'HF422', DETAIL = p_item::text,
      MESSAGE = 'a fill carries account, symbol, exchange order id and exchange trade id';
  END IF;
  INSERT INTO engine.unmatched_fills (tenant_id, account_id, symbol, exchange_order_id, exchange_trade_id, fill,
    received_at)
  SELECT p_tenant_id, account_id, p_item ->> 'symbol', p_item ->> 'exchange_order_id',
    p_item ->> 'exchange_trade_id', p_item, p_now
  FROM engine.exchange_accounts
  WHERE tenant_id = p_tenant_id AND account_id = (p_item ->> 'account_id')::uuid
  ON CONFLICT DO NOTHING;
  RETURN '{"code": "PARKED"}';
END $$;
COMMENT ON FUNCTION engine.park_fill(uuid, jsonb, timestamptz) IS 'keeps a fill whose order is unknown';
REVOKE ALL ON FUNCTION engine.park_fill(uuid, jsonb, timestamptz) FROM PUBLIC;
