-- What a buy's fill adds to its position's quantity: all of it but a fee in the base asset.
-- Locks, writes and raises nothing. No SET clause: pg_catalog only, so that it can be inlined.
CREATE OR REPLACE FUNCTION engine.fill_gain(p_fill engine.fills, p_base_asset text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT p_fill.quantity - CASE WHEN p_fill.fee_asset = p_base_asset THEN p_fill.fee_quantity ELSE 0 END
$$;
COMMENT ON FUNCTION engine.fill_gain(engine.fills, text) IS 'what a buy''s fill adds to its position';
REVOKE ALL ON FUNCTION engine.fill_gain(engine.fills, text) FROM PUBLIC;
