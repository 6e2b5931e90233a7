-- The cost of a part of a holding, to 18 decimals; of the whole, or more than it, all of the cost.
-- Locks, writes and raises nothing. The long factor makes the division exact enough before it is rounded.
CREATE OR REPLACE FUNCTION engine.cost_share(p_cost numeric, p_part numeric, p_held numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_part >= p_held THEN p_cost
    ELSE round(p_cost * p_part * 1.000000000000000000000000000000000000 / p_held, 18) END
$$;
COMMENT ON FUNCTION engine.cost_share(numeric, numeric, numeric) IS 'cost of a part of a holding';
REVOKE ALL ON FUNCTION engine.cost_share(numeric, numeric, numeric) FROM PUBLIC;
