-- The tenant that engine.enter_tenant made this transaction's: what the owner's policies compare tenant_id with,
-- inside functions. Claims were compared with it there. Locks and writes nothing. Raises 42704 or 22P02 if no tenant
-- was entered, which no function of ours forgets (a test), so that a forgotten one never shows no rows.
-- One short expression without a SET clause: it is inlined into every statement's policy, and prepared again for
-- each (measured: every call in it costs 1 % of opening an entry). Only the owner's functions reach it: their
-- search_path is empty.
CREATE OR REPLACE FUNCTION engine.entered_tenant() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT pg_catalog.current_setting('holdfast.tenant_id')::pg_catalog.uuid
$$;
COMMENT ON FUNCTION engine.entered_tenant() IS 'tenant entered by this transaction; raises instead of showing no rows';
REVOKE ALL ON FUNCTION engine.entered_tenant() FROM PUBLIC;
