-- What a buy's fill adds to its position's cost: its notional, less a fee in the base asset, which the position never
-- received. Locks, writes and raises nothing. No SET clause: pg_catalog only, so that it can be inlined.
CREATE OR REPLACE FUNCTION engine.fill_cost(p_fill engine.fills, p_base_asset text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT p_fill.notional - CASE WHEN p_fill.fee_asset = p_base_asset THEN p_fill.fee_value ELSE 0 END
$$;
COMMENT ON FUNCTION engine.fill_cost(engine.fills, text) IS 'what a buy''s fill adds to the cost of its position';
REVOKE ALL ON FUNCTION engine.fill_cost(engine.fills, text) FROM PUBLIC;
