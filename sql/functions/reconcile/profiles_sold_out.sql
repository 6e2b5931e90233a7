-- Halts the profiles that hold an asset of which a new foreign order sold more than nobody's: the exchange has less of
-- it than they hold together. Gives their ids; a dry run changes nothing.
-- Locks profile_capital of those that hold what was sold, sorted, then the unassigned holdings, sorted. Writes
-- profile_capital and outbox. Raises nothing.
CREATE OR REPLACE FUNCTION engine.profiles_sold_out(
    p_account engine.exchange_accounts, p_fills engine.foreign_fills[], p_moves engine.foreign_move[],
    p_dry_run boolean, p_now timestamptz
)
RETURNS uuid[]
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
  v_sold   text[];
  v_held   uuid[];
  v_halted uuid[] := '{}';
  v_wrong  record;
BEGIN
  v_sold := ARRAY(SELECT DISTINCT coalesce(u.base_asset, split_part(f.symbol, '/', 1)) FROM unnest(p_fills) f
    LEFT JOIN LATERAL (SELECT u.base_asset FROM engine.instruments u WHERE u.tenant_id = f.tenant_id
      AND u.account_id = f.account_id AND u.symbol = f.symbol LIMIT 1) u ON true
    WHERE f.side = 'sell');
  v_held := ARRAY(SELECT DISTINCT s.profile_id FROM engine.profiles p
    JOIN engine.positions s USING (tenant_id, profile_id)
    WHERE p.tenant_id = p_account.tenant_id AND p.account_id = p_account.account_id AND s.quantity > 0
      AND s.base_asset = ANY (v_sold) ORDER BY s.profile_id);
  IF cardinality(v_held) = 0 THEN
    RETURN v_halted;
  END IF;
  IF p_dry_run IS NOT TRUE THEN
    PERFORM FROM engine.profile_capital WHERE tenant_id = p_account.tenant_id AND profile_id = ANY (v_held)
      ORDER BY profile_id FOR NO KEY UPDATE;
    PERFORM FROM engine.unassigned_holdings WHERE tenant_id = p_account.tenant_id
      AND account_id = p_account.account_id AND asset IN (SELECT m.asset FROM unnest(p_moves) m)
      ORDER BY asset FOR NO KEY UPDATE;
  END IF;
  FOR v_wrong IN
    SELECT s.profile_id, min(s.base_asset) AS asset
    FROM engine.positions s
    LEFT JOIN engine.unassigned_holdings h ON h.tenant_id = s.tenant_id AND h.account_id = s.account_id
      AND h.asset = s.base_asset
    WHERE s.tenant_id = p_account.tenant_id AND s.profile_id = ANY (v_held) AND s.quantity > 0
      AND s.base_asset = ANY (v_sold)
      AND coalesce(h.quantity, 0) + (SELECT sum(m.delta) FROM unnest(p_moves) m WHERE m.asset = s.base_asset) < 0
    GROUP BY s.profile_id ORDER BY s.profile_id
  LOOP
    v_halted := v_halted || v_wrong.profile_id;
    IF p_dry_run IS NOT TRUE THEN
      PERFORM engine.halt_profile(p_account.tenant_id, v_wrong.profile_id, NULL, 'foreign sell of ' || v_wrong.asset,
                                  p_now);
    END IF;
  END LOOP;
  RETURN v_halted;
END
$$;
COMMENT ON FUNCTION engine.profiles_sold_out IS
  'Halts profiles whose asset a foreign order sold.';
REVOKE ALL ON FUNCTION engine.profiles_sold_out FROM PUBLIC;
