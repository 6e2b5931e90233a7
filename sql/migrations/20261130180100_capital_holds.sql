-- The two CHECKs of profile_capital become one, whose text is a call: PostgreSQL reads a CHECK's text again for every
-- statement on the table. The function is made here because the constraint needs it, and is asked about every row that
-- there is; from then on its file is the one that counts, whose refusals name the two constraints as before.
CREATE FUNCTION engine.capital_holds(p_capital engine.profile_capital) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN p_capital.available OPERATOR(pg_catalog.=) (((p_capital.allocated
      OPERATOR(pg_catalog.-) p_capital.reserved_for_orders)
      OPERATOR(pg_catalog.-) (p_capital.reserved_for_positions OPERATOR(pg_catalog.+) p_capital.dust))
      OPERATOR(pg_catalog.+) (p_capital.trading_pnl OPERATOR(pg_catalog.-) p_capital.fees))
    AND (p_capital.available OPERATOR(pg_catalog.>=) 0 OR p_capital.mode OPERATOR(pg_catalog.<>) 'active');
END $$;
REVOKE ALL ON FUNCTION engine.capital_holds(engine.profile_capital) FROM PUBLIC;
ALTER TABLE engine.profile_capital
  ADD CONSTRAINT capital_holds CHECK (engine.capital_holds(profile_capital)),
  DROP CONSTRAINT available_is_the_formula, DROP CONSTRAINT active_profile_is_covered;
