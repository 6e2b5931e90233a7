-- Tells whether an instrument's filters let an entry pass: what engine.judge_entry finds nothing wrong with, modes
-- and limits aside, in one expression that is inlined where only yes or no is asked.
-- Locks, writes and raises nothing; NULL is no. No SET clause: pg_catalog only, so that it can be inlined.
CREATE OR REPLACE FUNCTION engine.entry_is_fine(
  p_quantity numeric, p_price numeric, p_quote text, p_instrument engine.instruments
) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT p_instrument.active AND p_instrument.quote_asset = p_quote
    AND p_quantity % p_instrument.lot_size = 0 AND p_quantity >= p_instrument.min_quantity
    AND (p_quantity <= p_instrument.max_quantity) IS NOT FALSE
    AND (p_quantity * p_price <= p_instrument.max_notional) IS NOT FALSE
    AND p_price % p_instrument.tick_size = 0 AND p_quantity * p_price >= p_instrument.min_notional
$$;
COMMENT ON FUNCTION engine.entry_is_fine(numeric, numeric, text, engine.instruments) IS
  'whether an instrument''s filters let an entry pass';
REVOKE ALL ON FUNCTION engine.entry_is_fine(numeric, numeric, text, engine.instruments) FROM PUBLIC;
