"""Applies sql/ to a database, in one transaction, and records what stands there afterwards."""

from dataclasses import dataclass
from pathlib import Path

import asyncpg

from engine.deploy.catalog import record_catalog
from engine.deploy.connection import Connection, connect
from engine.deploy.execution import act_as, run_file
from engine.deploy.exposed import SCHEMA, drop_exposed, expose, rpc_state
from engine.deploy.functions import apply_functions
from engine.deploy.history import history_state, record_history
from engine.deploy.living import live_leases
from engine.deploy.roles import OWNER, backup_role, ensure_roles
from engine.deploy.sources import SourceFile, SqlTree, read_tree
from engine.domain.errors import ErrorCode, HoldfastError

_LOCK_KEY = 0x486F6C6466617374  # "Holdfast"; two deploys of one database queue on it
_LOCK_TIMEOUT_S = 15
_READERS = (
    "holdfast_engine",
    "holdfast_scheduler",
    "holdfast_operator",
    "holdfast_reader",
    "holdfast_deployer",
    "holdfast_backup",
)

_BOOKKEEPING = """
CREATE TABLE IF NOT EXISTS engine.schema_migrations (
  version text PRIMARY KEY,
  name text NOT NULL,
  sha256 text NOT NULL,
  applied_at timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS engine.schema_objects (
  kind text NOT NULL,
  name text NOT NULL,
  fingerprint text NOT NULL,
  definition text,
  PRIMARY KEY (kind, name)
);
"""

# Dropped before they are made again: they depend on functions, whose signatures may change.
_DROP_DEPENDENTS = """
SELECT format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass) AS command
FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'engine'::regnamespace AND NOT t.tgisinternal AND t.tgparentid = 0
UNION ALL
SELECT format('DROP POLICY %I ON %s', p.polname, p.polrelid::regclass)
FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
WHERE c.relnamespace = 'engine'::regnamespace
UNION ALL
SELECT 'DROP VIEW ' || string_agg(c.oid::regclass::text, ', ')
FROM pg_catalog.pg_class c WHERE c.relnamespace = 'engine'::regnamespace AND c.relkind = 'v' HAVING count(*)
  > 0
UNION ALL
SELECT 'DROP MATERIALIZED VIEW ' || string_agg(c.oid::regclass::text, ', ')
FROM pg_catalog.pg_class c WHERE c.relnamespace = 'engine'::regnamespace AND c.relkind = 'm' HAVING count(*)
  > 0
"""

_MADE = {
    "triggers": """
        SELECT DISTINCT tgname FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
        WHERE c.relnamespace = 'engine'::regnamespace AND NOT tgisinternal AND tgparentid = 0""",
    "policies": """
        SELECT DISTINCT polname FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
        WHERE c.relnamespace = 'engine'::regnamespace""",
    "views": """
        SELECT relname FROM pg_catalog.pg_class
        WHERE relnamespace = 'engine'::regnamespace AND relkind IN ('v', 'm')""",
}


@dataclass(frozen=True, slots=True)
class DeployReport:
    """What a deploy did; `changed` is false if the database already stood like this."""

    schema_hash: str
    changed: bool
    migrations_applied: tuple[str, ...]
    swept: tuple[str, ...]
    files: int
    server_version: str
    backup: str  # "configured" | "not_configured"
    rpc: str  # the same of the functions that the engine calls over HTTP
    supabase: str  # "none" | "recorded" | "not_recorded": the migrations in a project's own history


async def deploy(
    url: str,
    sql_dir: Path | None = None,
    *,
    test_clock: bool = False,
    compatible: bool = False,
    pooled: bool = False,
) -> DeployReport:
    """Bring the database at `url` (an admin's login) to what `sql_dir` says.

    All or nothing: one transaction, after the cluster's roles in one of their own. CONFIGURATION names the
    file that failed; an edited applied migration is refused with DRIFT. While a daemon holds a lease a change
    is refused with LEASE_HELD, unless it is `compatible`: daemons that run can work with it. Where nothing
    would change, nothing is done then.
    """
    tree = read_tree(sql_dir)
    conn = await connect(url, pooled=pooled)
    try:
        await ensure_roles(conn, tree.roles)
        async with conn.transaction():
            await conn.execute("SET LOCAL search_path = ''")
            await conn.execute("SELECT pg_catalog.pg_advisory_xact_lock($1)", _LOCK_KEY)
            if not compatible and await live_leases(conn):
                return await _unchanged(conn, tree, test_clock=test_clock)
            report = await _apply(conn, tree, test_clock=test_clock)
        await _analyze(conn)
    except asyncpg.LockNotAvailableError as error:
        raise HoldfastError(
            ErrorCode.DATABASE_UNAVAILABLE,
            f"Other sessions kept their locks on the tables for {_LOCK_TIMEOUT_S} s; nothing was changed.",
        ) from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise HoldfastError(
            ErrorCode.CONFIGURATION, f"The deploying login may not do this: {error}"
        ) from error
    finally:
        await conn.close()
    return report


async def _apply(conn: Connection, tree: SqlTree, *, test_clock: bool) -> DeployReport:
    files = tree.effective(test_clock=test_clock)
    schema_hash = tree.schema_hash(test_clock=test_clock)
    if not await conn.fetchval("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'engine')"):
        await conn.execute(f"CREATE SCHEMA engine AUTHORIZATION {OWNER}")
    if not await conn.fetchval("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", SCHEMA):
        await conn.execute(f"CREATE SCHEMA {SCHEMA} AUTHORIZATION {OWNER}")
    await act_as(conn, OWNER)
    await conn.execute("SET LOCAL check_function_bodies = off; SET LOCAL client_min_messages = warning")
    # Who waits for a table's lock makes all others wait behind it.
    await conn.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT_S}s'")
    await conn.execute(_BOOKKEEPING)
    before = await _recorded(conn)
    await drop_exposed(conn)  # before migrations: its views hold on to the columns that they show
    applied = await _migrate(conn, tree.migrations)
    old = {kind: await _made(conn, kind) for kind in _MADE}
    for row in await conn.fetch(_DROP_DEPENDENTS):
        await conn.execute(row["command"])
    if not test_clock:
        await conn.execute("DROP TABLE IF EXISTS engine.test_clock")
    swept = await apply_functions(conn, [file for file in files if file.kind == "functions"])
    for kind in _MADE:
        own = {file.name: file for file in files if file.kind == kind}
        for file in own.values():
            await run_file(conn, file)
        _same_names(await _made(conn, kind), own, kind)
        swept += [f"{kind}: {name}" for name in sorted(old[kind] - set(own))]
    await _grant(conn)
    rpc = await expose(conn, [file for file in files if file.kind == "api"])
    if tree.supabase is not None:
        await run_file(conn, tree.supabase)
    await _record_files(conn, files, schema_hash)
    await record_catalog(conn)
    history = await record_history(conn, tree.migrations)
    return DeployReport(
        schema_hash=schema_hash,
        changed=before != await _recorded(conn),
        migrations_applied=tuple(applied),
        swept=tuple(swept),
        files=len(files),
        server_version=conn.get_settings().server_version,
        backup=await backup_role(conn),
        rpc=rpc,
        supabase=history,
    )


async def _unchanged(conn: Connection, tree: SqlTree, *, test_clock: bool) -> DeployReport:
    """Report that all stands as wanted. Raises LEASE_HELD if it does not."""
    wanted = tree.schema_hash(test_clock=test_clock)
    deployed = await conn.fetchval(
        "SELECT fingerprint FROM engine.schema_objects WHERE (kind, name) = ('schema', 'hash')"
    )
    if deployed != wanted:
        raise HoldfastError(ErrorCode.LEASE_HELD, deployed=str(deployed), wanted=wanted)
    return DeployReport(
        schema_hash=wanted,
        changed=False,
        migrations_applied=(),
        swept=(),
        files=len(tree.effective(test_clock=test_clock)),
        server_version=conn.get_settings().server_version,
        backup=await backup_role(conn),
        rpc=await rpc_state(conn),
        supabase=await history_state(conn, tree.migrations),
    )


async def _migrate(conn: Connection, migrations: tuple[SourceFile, ...]) -> list[str]:
    done = {
        row["version"]: row
        for row in await conn.fetch("SELECT version, name, sha256 FROM engine.schema_migrations")
    }
    applied = []
    for file in migrations:
        version = file.name[:14]
        if version in done:
            if done[version]["sha256"] != file.sha256:
                raise HoldfastError(
                    ErrorCode.DRIFT,
                    f"{file.path} was edited after it was applied; write a new migration instead.",
                )
            continue
        if done and version < max(done):
            raise HoldfastError(
                ErrorCode.DRIFT,
                f"{file.path} is older than the last applied migration {max(done)}; renumber it.",
            )
        await run_file(conn, file)
        await act_as(conn, OWNER)
        await conn.execute(
            "INSERT INTO engine.schema_migrations VALUES ($1, $2, $3, pg_catalog.clock_timestamp())",
            version,
            file.name,
            file.sha256,
        )
        applied.append(file.name)
    lost = sorted(set(done) - {file.name[:14] for file in migrations})
    if lost:
        raise HoldfastError(
            ErrorCode.DRIFT,
            f"The database has migrations that sql/ does not: {', '.join(lost)}. Use newer code.",
        )
    return applied


async def _made(conn: Connection, kind: str) -> set[str]:
    return {row[0] for row in await conn.fetch(_MADE[kind])}


def _same_names(made: set[str], wanted: dict[str, SourceFile], kind: str) -> None:
    """One object per file, file name = object name; a file that makes another one is told so."""
    for name, file in wanted.items():
        if name not in made:
            raise HoldfastError(ErrorCode.CONFIGURATION, f"{file.path} does not make {name!r}")
    if made - set(wanted):
        raise HoldfastError(
            ErrorCode.CONFIGURATION,
            f"{kind}/ makes {', '.join(sorted(made - set(wanted)))} without a file of that name",
        )


async def _grant(conn: Connection) -> None:
    present = {row[0] for row in await conn.fetch("SELECT rolname FROM pg_catalog.pg_roles")}
    readers = ", ".join(role for role in _READERS if role in present)
    await conn.execute(f"REVOKE ALL ON SCHEMA engine FROM PUBLIC; GRANT USAGE ON SCHEMA engine TO {readers}")
    await conn.execute(f"GRANT SELECT ON engine.schema_migrations, engine.schema_objects TO {readers}")
    if "holdfast_backup" in present:
        await conn.execute("GRANT SELECT ON ALL TABLES IN SCHEMA engine TO holdfast_backup")
        await conn.execute("GRANT SELECT ON ALL SEQUENCES IN SCHEMA engine TO holdfast_backup")


async def _record_files(conn: Connection, files: tuple[SourceFile, ...], schema_hash: str) -> None:
    await conn.execute("DELETE FROM engine.schema_objects")
    rows = [("file", file.path, file.sha256, None) for file in files]
    rows.append(("schema", "hash", schema_hash, None))
    await conn.executemany("INSERT INTO engine.schema_objects VALUES ($1, $2, $3, $4)", rows)


async def _recorded(conn: Connection) -> set[tuple[str, str, str]]:
    rows = await conn.fetch("SELECT kind, name, fingerprint FROM engine.schema_objects")
    return {(row["kind"], row["name"], row["fingerprint"]) for row in rows}


async def _analyze(conn: Connection) -> None:
    """Give the planner figures of the tables that have rows, and of no other.

    A table analyzed while it is empty is believed to stay so, and a session keeps the scan it plans for it
    while the table grows. A table that was never analyzed is believed to hold some pages; autovacuum corrects
    that soon after the first rows.
    """
    async with conn.transaction():
        await conn.execute("SET LOCAL search_path = ''")
        await act_as(conn, OWNER)
        tables = await conn.fetchval(
            "SELECT string_agg(oid::regclass::text, ', ') FROM pg_catalog.pg_class "
            "WHERE relnamespace = 'engine'::regnamespace AND relkind = 'r' "
            "AND pg_catalog.pg_relation_size(oid) > 0"
        )
        await conn.execute(f"ANALYZE {tables}")
