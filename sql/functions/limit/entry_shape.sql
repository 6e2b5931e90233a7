-- What makes two entries identical: symbol, type, quantity, conditions, and the price of a limit order (a market
-- entry's worst price follows the market, and says nothing about the wish).
-- Locks, writes and raises nothing.
CREATE OR REPLACE FUNCTION engine.entry_shape(p_plan engine.intent_plan) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = '' AS $$
  SELECT concat_ws(' ', p_plan.symbol, p_plan.type, trim_scale(p_plan.quantity)::text, p_plan.time_in_force,
    p_plan.post_only::text, CASE p_plan.type WHEN 'limit' THEN trim_scale(p_plan.limit_price)::text END)
$$;
COMMENT ON FUNCTION engine.entry_shape(engine.intent_plan) IS 'what makes two entries identical';
REVOKE ALL ON FUNCTION engine.entry_shape(engine.intent_plan) FROM PUBLIC;
