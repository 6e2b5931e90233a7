-- The tenant of this transaction: what every policy compares tenant_id with.
-- The tenant_id of verified JWT claims if there are any, else the setting made by engine.enter_tenant.
-- Locks and writes nothing. Raises HF401 if there is neither, HF403 if they differ.
-- One expression without a SET clause, so that it is inlined into every policy (a call costs 5 us a table and
-- statement); its names are qualified, operators too, so that a caller's search_path cannot change them.
CREATE OR REPLACE FUNCTION engine.claimed_tenant() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN pg_catalog.current_setting('request.jwt.claims', true) OPERATOR(pg_catalog.<>) ''
      OR pg_catalog.length(pg_catalog.current_setting('holdfast.tenant_id', true))
        OPERATOR(pg_catalog.=) 36 IS NOT TRUE THEN engine.tenant_of_claims()
    ELSE pg_catalog.current_setting('holdfast.tenant_id', true)::pg_catalog.uuid END
$$;
COMMENT ON FUNCTION engine.claimed_tenant() IS 'tenant of this transaction; raises instead of showing no rows';
REVOKE ALL ON FUNCTION engine.claimed_tenant() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.claimed_tenant() TO holdfast_reader;
