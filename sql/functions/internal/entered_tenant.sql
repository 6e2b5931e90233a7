-- The tenant that engine.enter_tenant made this transaction's: what the owner's policies compare tenant_id with,
-- inside functions. Claims were compared with it there; without it they alone name the tenant.
-- Locks and writes nothing. Raises HF401 if there is neither.
-- One short expression without a SET clause: it is inlined into every statement's policy, and prepared again for
-- each (measured: a tenth of opening an entry). Only the owner's functions reach it: their search_path is empty.
CREATE OR REPLACE FUNCTION engine.entered_tenant() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce(nullif(pg_catalog.current_setting('holdfast.tenant_id', true), '')::pg_catalog.uuid,
    engine.tenant_of_claims())
$$;
COMMENT ON FUNCTION engine.entered_tenant() IS 'tenant entered by this transaction; raises instead of showing no rows';
REVOKE ALL ON FUNCTION engine.entered_tenant() FROM PUBLIC;
