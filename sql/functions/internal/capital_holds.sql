-- The CHECK of engine.profile_capital: available is the formula, and a profile below zero is not active. Both as one
-- call, because a table's CHECK is read from its text again for every statement, and this text is a name only; one
-- RETURN of one expression, which a session keeps prepared. No SET clause, which would cost as much as it saves: every
-- name and operator is qualified, so that no writer's search_path changes what is compared.
-- Locks and writes nothing. Raises 23514 by engine.refuse_capital; IMMUTABLE, because it looks at the row alone.
CREATE OR REPLACE FUNCTION engine.capital_holds(p_capital engine.profile_capital) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN CASE WHEN p_capital.available OPERATOR(pg_catalog.=) (((p_capital.allocated
      OPERATOR(pg_catalog.-) p_capital.reserved_for_orders)
      OPERATOR(pg_catalog.-) (p_capital.reserved_for_positions OPERATOR(pg_catalog.+) p_capital.dust))
      OPERATOR(pg_catalog.+) (p_capital.trading_pnl OPERATOR(pg_catalog.-) p_capital.fees))
    AND (p_capital.available OPERATOR(pg_catalog.>=) 0 OR p_capital.mode OPERATOR(pg_catalog.<>) 'active')
    THEN true ELSE engine.refuse_capital(p_capital) END;
END $$;
COMMENT ON FUNCTION engine.capital_holds(engine.profile_capital) IS 'CHECK of profile_capital: both of its rules';
REVOKE ALL ON FUNCTION engine.capital_holds(engine.profile_capital) FROM PUBLIC;
