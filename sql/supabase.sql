-- What a Supabase project's own roles may do; where they are not there, nothing. Run at every deploy, by the owner,
-- after everything else. A user who has signed in (authenticated) reads the views of holdfast_api, and row level
-- security shows the rows of the tenant in the token's claims; the roles are NOINHERIT there, so the right to read
-- cannot come by membership. The project's secret key (service_role) calls two functions, whose files grant it.
-- Nobody else (anon) may anything.
DO $supabase$
DECLARE
  v_policy record;
  v_function record;
BEGIN
  GRANT USAGE ON SCHEMA holdfast_api TO holdfast_reader;
  IF to_regrole('service_role') IS NOT NULL THEN
    GRANT USAGE ON SCHEMA holdfast_api TO service_role;
  END IF;
  IF to_regrole('authenticated') IS NULL THEN
    RETURN;
  END IF;
  GRANT USAGE ON SCHEMA holdfast_api, engine TO authenticated;
  GRANT SELECT ON holdfast_api.profiles, holdfast_api.capital, holdfast_api.positions, holdfast_api.orders,
    holdfast_api.fills, holdfast_api.trades, holdfast_api.events TO authenticated;
  -- what those views read, and no other table
  GRANT SELECT ON engine.profiles, engine.profile_capital, engine.positions, engine.intents, engine.orders, engine.fills,
    engine.trade_history, engine.facts TO authenticated;
  GRANT EXECUTE ON FUNCTION engine.claimed_tenant(), engine.tenant_of_claims(), engine.tenant_in_claims(text)
    TO authenticated;
  FOR v_policy IN
    SELECT p.polname, c.relname FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
    WHERE c.relnamespace = 'engine'::regnamespace AND p.polroles = ARRAY['holdfast_reader'::regrole::oid]
      AND c.relname IN ('profiles', 'profile_capital', 'positions', 'intents', 'orders', 'fills', 'trade_history', 'facts')
  LOOP
    EXECUTE format('ALTER POLICY %I ON engine.%I TO holdfast_reader, authenticated', v_policy.polname, v_policy.relname);
  END LOOP;
  -- The project's advisors ask for a search_path on every function. Ours that have none are called by ours that have,
  -- and stay without elsewhere: setting it costs each call some microseconds, and keeps a function from being inlined.
  FOR v_function IN
    SELECT p.oid::regprocedure AS signature FROM pg_catalog.pg_proc p
    WHERE p.pronamespace = 'engine'::regnamespace AND p.prokind = 'f'
      AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c LIKE 'search_path=%')
  LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = ''''', v_function.signature);
  END LOOP;
END
$supabase$;
