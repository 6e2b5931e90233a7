"""Rules of the schema that hold whatever was deployed, asked of PostgreSQL's catalog."""

from engine.deploy.connection import Connection

# Each gives (kind, object, detail); the kinds are those of verification.DriftKind.
_RULES = (
    """
    SELECT 'public_grant', 'function ' || p.oid::regprocedure::text, 'PUBLIC may execute it'
    FROM pg_proc p
    WHERE p.pronamespace = 'engine'::regnamespace
      AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) WHERE grantee = 0)
    """,
    """
    SELECT DISTINCT 'public_grant',
      format('%s %s', CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' ELSE 'table' END,
             c.oid::regclass),
      'PUBLIC holds ' || a.privilege_type
    FROM pg_class c, LATERAL (
      SELECT * FROM aclexplode(c.relacl)
      UNION ALL
      SELECT x.* FROM pg_attribute t, aclexplode(t.attacl) x WHERE t.attrelid = c.oid) a
    WHERE c.relnamespace = 'engine'::regnamespace AND a.grantee = 0
    """,
    """
    SELECT 'public_grant', 'schema engine', 'PUBLIC holds ' || a.privilege_type
    FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.oid = 'engine'::regnamespace AND a.grantee = 0
    """,
    """
    SELECT 'write_grant', 'table ' || c.oid::regclass::text, format('%s may %s', r.rolname, w.privilege)
    FROM pg_class c, pg_roles r, (VALUES ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE')) w (privilege)
    WHERE c.relnamespace = 'engine'::regnamespace AND c.relkind IN ('r', 'p') AND NOT r.rolsuper
      AND r.rolname IN ('holdfast_engine', 'holdfast_operator', 'holdfast_reader')
      AND (has_table_privilege(r.oid, c.oid, w.privilege)
           OR w.privilege IN ('INSERT', 'UPDATE') AND has_any_column_privilege(r.oid, c.oid, w.privilege))
    """,
    """
    SELECT 'row_security', 'table ' || c.oid::regclass::text,
      CASE WHEN c.relrowsecurity THEN 'row level security is not forced' ELSE 'row level security is off' END
    FROM pg_class c
    WHERE c.relnamespace = 'engine'::regnamespace AND c.relkind IN ('r', 'p')
      AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
      AND EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = c.oid AND t.attname = 'tenant_id'
                  AND t.attnum > 0 AND NOT t.attisdropped)
    """,
    """
    SELECT 'unsafe_definer', 'function ' || p.oid::regprocedure::text,
      'SECURITY DEFINER with ' || coalesce(v.path, 'the caller''s search_path')
    FROM pg_proc p
    LEFT JOIN LATERAL (
      SELECT s AS path FROM unnest(p.proconfig) s WHERE starts_with(s, 'search_path=')) v ON true
    WHERE p.pronamespace = 'engine'::regnamespace AND p.prosecdef
      AND coalesce(v.path, '') !~ '^search_path=(|"")$'
      AND coalesce(v.path, '') !~ ',[[:space:]]*"?pg_temp"?$'
    """,
    """
    SELECT 'trigger_disabled', format('trigger %s.%s', c.relname, g.tgname), 'state ' || g.tgenabled::text
    FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
    WHERE c.relnamespace = 'engine'::regnamespace AND g.tgenabled NOT IN ('O', 'A')
    """,
    """
    SELECT 'role', w.name,
      CASE WHEN r.oid IS NULL THEN 'is missing' ELSE 'has a right it must not have: ' || concat_ws(', ',
        CASE WHEN r.rolsuper THEN 'SUPERUSER' END, CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END,
        CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END, CASE WHEN r.rolcreatedb THEN 'CREATEDB' END,
        CASE WHEN r.rolcanlogin THEN 'LOGIN' END, CASE WHEN r.rolreplication THEN 'REPLICATION' END,
        CASE WHEN r.rolinherit AND w.name = 'holdfast_deployer' THEN 'INHERIT' END) END
    FROM unnest(ARRAY['holdfast_owner', 'holdfast_scheduler', 'holdfast_engine', 'holdfast_operator',
                      'holdfast_reader', 'holdfast_deployer']) w (name)
    LEFT JOIN pg_roles r ON r.rolname = w.name
    WHERE r.oid IS NULL OR r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolcreatedb OR r.rolcanlogin
      OR r.rolreplication OR (r.rolinherit AND w.name = 'holdfast_deployer')
    """,
    """
    SELECT 'role', r.rolname::text, 'must not be a member of ' || g.rolname
    FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid JOIN pg_roles r ON r.oid = m.member
    WHERE r.rolname IN ('holdfast_owner', 'holdfast_scheduler', 'holdfast_engine', 'holdfast_operator',
                        'holdfast_reader', 'holdfast_deployer')
      AND NOT (r.rolname = 'holdfast_deployer' AND g.rolname IN ('holdfast_owner', 'holdfast_scheduler'))
    """,
)


async def broken_rules(conn: Connection) -> list[tuple[str, str, str]]:
    """Kind, object and detail of each breach."""
    rows = await conn.fetch(" UNION ALL ".join(_RULES))
    return [(row[0], row[1], row[2]) for row in rows]
