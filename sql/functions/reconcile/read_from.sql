-- The moment before which nothing is read of an account: a minute before it was registered. By so much the exchange's
-- clock may be behind ours, and its first order must not lie before what is read. What strangers did before the
-- registration is in the baseline, whatever is read of it.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.read_from(p_account engine.exchange_accounts) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT p_account.created_at - interval '1 minute' $$;
COMMENT ON FUNCTION engine.read_from(engine.exchange_accounts) IS
  'The moment before which nothing is read of an account.';
REVOKE ALL ON FUNCTION engine.read_from(engine.exchange_accounts) FROM PUBLIC;
