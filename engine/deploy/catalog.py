"""Reads what stands in the schema engine from PostgreSQL's own catalog, one line of truth per object."""

import hashlib
from dataclasses import dataclass

from engine.deploy.connection import Connection

# Each object of the schemas with its whole definition as text. Partitions are made while the engine runs and
# are left out here; rules.py sees them. NOT NULL constraints are told by the columns: their own rows exist
# since 18 only.
_OBJECTS = """
WITH here AS (SELECT 'engine'::regnamespace::oid AS oid),
acls AS (
  SELECT k, o, string_agg(format('%s=%s%s',
         CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE grantee::regrole::text END, privilege_type,
         CASE WHEN is_grantable THEN '*' ELSE '' END), ' '
         ORDER BY grantee = 0, grantee::regrole::text COLLATE "C", privilege_type) AS acl
  FROM (SELECT 'f' AS k, p.oid AS o, coalesce(proacl, acldefault('f', proowner)) AS items
        FROM pg_proc p, here WHERE pronamespace = here.oid
        UNION ALL
        SELECT 'c', c.oid,
          coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))
        FROM pg_class c, here WHERE relnamespace = here.oid AND relkind IN ('r', 'p', 'v', 'm', 'S')
        UNION ALL
        SELECT 'n', n.oid, coalesce(nspacl, acldefault('n', nspowner))
        FROM pg_namespace n, here WHERE n.oid = here.oid
       ) AS every, aclexplode(items)
  GROUP BY k, o
),
tables AS (
  SELECT c.* FROM pg_class c, here
  WHERE relnamespace = here.oid AND relkind IN ('r', 'p') AND NOT relispartition
)
SELECT 'schema' AS kind, 'engine' AS name, format('owner %s acl %s', n.nspowner::regrole, a.acl) AS definition
FROM pg_namespace n JOIN here ON n.oid = here.oid LEFT JOIN acls a ON k = 'n' AND o = n.oid
UNION ALL
SELECT 'function', format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)),
  jsonb_build_object('source', p.prosrc, 'body', pg_get_function_sqlbody(p.oid),
    'arguments', pg_get_function_arguments(p.oid), 'result', pg_get_function_result(p.oid),
    'language', l.lanname, 'kind', p.prokind, 'definer', p.prosecdef, 'config', p.proconfig,
    'volatility', p.provolatile, 'strict', p.proisstrict, 'parallel', p.proparallel,
    'leakproof', p.proleakproof,
    'owner', p.proowner::regrole::text, 'acl', a.acl)::text
FROM pg_proc p JOIN here ON p.pronamespace = here.oid JOIN pg_language l ON l.oid = p.prolang
LEFT JOIN acls a ON k = 'f' AND o = p.oid
UNION ALL
SELECT 'table', t.relname, jsonb_build_object('kind', t.relkind, 'persistence', t.relpersistence,
    'row_security', t.relrowsecurity, 'forced', t.relforcerowsecurity, 'options', t.reloptions,
    'partition_key', pg_get_partkeydef(t.oid), 'owner', t.relowner::regrole::text, 'acl', a.acl,
    'columns', (SELECT jsonb_agg(jsonb_build_array(c.attname, format_type(c.atttypid, c.atttypmod),
        c.attnotnull, c.attidentity, c.attgenerated, pg_get_expr(d.adbin, d.adrelid),
        (SELECT array_agg(x.item::text ORDER BY x.item::text COLLATE "C") FROM unnest(c.attacl) AS x (item)))
        ORDER BY c.attnum)
      FROM pg_attribute c LEFT JOIN pg_attrdef d ON d.adrelid = c.attrelid AND d.adnum = c.attnum
      WHERE c.attrelid = t.oid AND c.attnum > 0 AND NOT c.attisdropped))::text
FROM tables t LEFT JOIN acls a ON k = 'c' AND o = t.oid
UNION ALL
SELECT 'constraint', format('%s.%s', t.relname, c.conname),
  format('%s%s', pg_get_constraintdef(c.oid), CASE WHEN c.convalidated THEN '' ELSE ' (not validated)' END)
FROM pg_constraint c JOIN tables t ON t.oid = c.conrelid WHERE c.contype <> 'n'
UNION ALL
SELECT 'index', i.relname, format('%s valid %s', pg_get_indexdef(x.indexrelid), x.indisvalid)
FROM pg_index x JOIN tables t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
UNION ALL
SELECT 'trigger', format('%s.%s', t.relname, g.tgname),
  format('%s enabled %s', pg_get_triggerdef(g.oid), g.tgenabled)
FROM pg_trigger g JOIN tables t ON t.oid = g.tgrelid WHERE NOT g.tgisinternal
UNION ALL
SELECT 'policy', format('%s.%s', t.relname, p.polname),
  jsonb_build_object('command', p.polcmd, 'permissive', p.polpermissive,
    'roles', (SELECT array_agg(CASE WHEN r.oid = 0 THEN 'PUBLIC' ELSE r.oid::regrole::text END ORDER BY 1)
              FROM unnest(p.polroles) AS r (oid)),
    'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid))::text
FROM pg_policy p JOIN tables t ON t.oid = p.polrelid
UNION ALL
SELECT 'view', c.relname, jsonb_build_object('query', pg_get_viewdef(c.oid), 'kind', c.relkind,
  'options', c.reloptions, 'owner', c.relowner::regrole::text, 'acl', a.acl)::text
FROM pg_class c JOIN here ON c.relnamespace = here.oid LEFT JOIN acls a ON k = 'c' AND o = c.oid
WHERE c.relkind IN ('v', 'm')
UNION ALL
SELECT 'sequence', c.relname, jsonb_build_object('owner', c.relowner::regrole::text, 'acl', a.acl,
  'type', format_type(s.seqtypid, NULL), 'start', s.seqstart, 'increment', s.seqincrement,
  'cache', s.seqcache, 'cycle', s.seqcycle, 'min', s.seqmin, 'max', s.seqmax)::text
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN here ON c.relnamespace = here.oid
LEFT JOIN acls a ON k = 'c' AND o = c.oid
UNION ALL
SELECT 'type', t.typname, jsonb_build_object('kind', t.typtype,
  'base', format_type(t.typbasetype, t.typtypmod),
  'not_null', t.typnotnull, 'owner', t.typowner::regrole::text,
  'labels', (SELECT array_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
  'checks', (SELECT array_agg(pg_get_constraintdef(c.oid) ORDER BY c.conname) FROM pg_constraint c
             WHERE c.contypid = t.oid AND c.contype <> 'n'))::text
FROM pg_type t JOIN here ON t.typnamespace = here.oid WHERE t.typtype IN ('d', 'e', 'r')
UNION ALL
SELECT 'rule', format('%s.%s', c.relname, r.rulename), pg_get_ruledef(r.oid)
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN here ON c.relnamespace = here.oid
WHERE r.rulename <> '_RETURN'
UNION ALL
SELECT 'exposed schema', n.nspname, format('owner %s acl %s', n.nspowner::regrole,
  (SELECT string_agg(i::text, ' ' ORDER BY i::text COLLATE "C") FROM unnest(n.nspacl) i))
FROM pg_namespace n WHERE n.nspname = 'holdfast_api'
UNION ALL
SELECT 'exposed function', format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)),
  jsonb_build_object('source', p.prosrc, 'result', pg_get_function_result(p.oid), 'definer', p.prosecdef,
    'config', p.proconfig, 'owner', p.proowner::regrole::text,
    'acl', (SELECT array_agg(i::text ORDER BY i::text COLLATE "C")
            FROM unnest(coalesce(p.proacl, acldefault('f', p.proowner))) i))::text
FROM pg_proc p WHERE p.pronamespace = to_regnamespace('holdfast_api')
UNION ALL
SELECT 'exposed view', c.relname, jsonb_build_object('query', pg_get_viewdef(c.oid), 'kind', c.relkind,
  'options', c.reloptions, 'owner', c.relowner::regrole::text,
  'acl', (SELECT array_agg(i::text ORDER BY i::text COLLATE "C") FROM unnest(c.relacl) i))::text
FROM pg_class c WHERE c.relnamespace = to_regnamespace('holdfast_api') AND c.relkind <> 'c'
"""


@dataclass(frozen=True, slots=True)
class CatalogObject:
    """One object of the schema; equal definitions have equal fingerprints."""

    kind: str
    name: str
    definition: str

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.definition.encode()).hexdigest()


async def read_catalog(conn: Connection) -> list[CatalogObject]:
    """Every object of the schema engine, and of the one that is exposed; any role may read it."""
    async with conn.transaction():
        # Names are written with their schema only if the search path is empty: equal for every login.
        await conn.execute(
            "SET LOCAL search_path = ''; SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'"
        )
        rows = await conn.fetch(_OBJECTS)
    return [CatalogObject(row["kind"], row["name"], row["definition"]) for row in rows]


async def record_catalog(conn: Connection) -> None:
    """Write down what stands now, for `verify` to compare with."""
    objects = await read_catalog(conn)
    await conn.executemany(
        "INSERT INTO engine.schema_objects (kind, name, fingerprint, definition) VALUES ($1, $2, $3, $4)",
        [(one.kind, one.name, one.fingerprint, one.definition) for one in objects],
    )
