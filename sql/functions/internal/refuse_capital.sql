-- Refuses a row of engine.profile_capital that engine.capital_holds finds wrong, by the name of the rule it breaks.
-- Locks and writes nothing. Raises 23514 with the constraint's name active_profile_is_covered or
-- available_is_the_formula, always.
CREATE OR REPLACE FUNCTION engine.refuse_capital(p_capital engine.profile_capital) RETURNS boolean
LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
  v_rule text := CASE WHEN p_capital.available < 0 AND p_capital.mode = 'active' THEN 'active_profile_is_covered'
    ELSE 'available_is_the_formula' END;
BEGIN
  RAISE EXCEPTION USING ERRCODE = 'check_violation', SCHEMA = 'engine', TABLE = 'profile_capital',
    CONSTRAINT = v_rule, MESSAGE = 'a profile''s capital violates ' || v_rule,
    DETAIL = jsonb_build_object('profile_id', p_capital.profile_id, 'mode', p_capital.mode,
      'available', trim_scale(p_capital.available)::text)::text;
END $$;
COMMENT ON FUNCTION engine.refuse_capital(engine.profile_capital) IS 'refuses a profile''s capital by the rule it breaks';
REVOKE ALL ON FUNCTION engine.refuse_capital(engine.profile_capital) FROM PUBLIC;
