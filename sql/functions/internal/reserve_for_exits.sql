-- Reserves base quantity of positions for the exits whose intents are written.
-- Locks nothing new: engine.judge_exits has locked the rows. Writes positions. Raises the table's own errors.
CREATE OR REPLACE FUNCTION engine.reserve_for_exits(
  p_tenant_id uuid, p_plan engine.intent_plan[], p_now timestamptz
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE engine.positions h SET reserved_quantity = h.reserved_quantity + n.quantity, updated_at = p_now
  FROM (SELECT profile_id, symbol, sum(required) AS quantity FROM unnest(p_plan) WHERE result IS NULL
        GROUP BY profile_id, symbol) n
  WHERE h.tenant_id = p_tenant_id AND h.profile_id = n.profile_id AND h.symbol = n.symbol;
END $$;
COMMENT ON FUNCTION engine.reserve_for_exits(uuid, engine.intent_plan[], timestamptz) IS
  'reserves position quantity for exits';
REVOKE ALL ON FUNCTION engine.reserve_for_exits(uuid, engine.intent_plan[], timestamptz) FROM PUBLIC;
