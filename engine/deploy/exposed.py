"""The schema that is exposed over HTTP: functions for the engine, views for dashboards, nothing else."""

from engine.deploy.connection import Connection
from engine.deploy.execution import act_as, run_file
from engine.deploy.roles import OWNER
from engine.deploy.sources import SourceFile
from engine.domain.errors import ErrorCode, HoldfastError

SCHEMA = "holdfast_api"
# Each function runs with the rights of the role that owns it: the engine's, or a reader's.
_OWNERS = {"engine_call": "holdfast_engine", "engine_read": "holdfast_reader"}

_PRESENT = """
SELECT c.relname::text AS name, format('VIEW %s', c.oid::regclass) AS identity
FROM pg_catalog.pg_class c
WHERE c.relnamespace = to_regnamespace('holdfast_api') AND c.relkind IN ('v', 'm', 'r')
UNION ALL
SELECT p.proname, format('ROUTINE %s', p.oid::regprocedure)
FROM pg_catalog.pg_proc p WHERE p.pronamespace = to_regnamespace('holdfast_api')
"""

_MAY_BECOME = """
SELECT bool_and(r.rolsuper OR pg_catalog.pg_has_role(session_user, w.name, w.privilege))
FROM pg_catalog.pg_roles r,
  unnest($1::text[]) AS n (name), LATERAL (SELECT n.name::name AS name,
    CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END AS privilege
  ) w
WHERE r.rolname = session_user
"""


async def drop_exposed(conn: Connection) -> None:
    """Drop what stands there: it depends on functions and views that are about to be made again."""
    for row in await conn.fetch(_PRESENT):
        await conn.execute(f"DROP {row['identity']} CASCADE")


async def expose(conn: Connection, files: list[SourceFile]) -> str:
    """Make what the files define; "not_configured" where this login may not act as the functions' owners."""
    configured = bool(await conn.fetchval(_MAY_BECOME, sorted(set(_OWNERS.values()))))
    await act_as(conn, OWNER)
    await conn.execute(f"GRANT USAGE, CREATE ON SCHEMA {SCHEMA} TO {', '.join(_OWNERS.values())}")
    made = set()
    for file in files:
        owner = _OWNERS.get(file.name)
        if owner is not None and not configured:
            continue
        await act_as(conn, owner or OWNER)
        await run_file(conn, file)
        made.add(file.name)
    await act_as(conn, OWNER)
    await conn.execute(f"REVOKE ALL ON SCHEMA {SCHEMA} FROM PUBLIC, {', '.join(_OWNERS.values())}")
    present = {row["name"] for row in await conn.fetch(_PRESENT)}
    if present != made:
        raise HoldfastError(
            ErrorCode.CONFIGURATION,
            f"api/ makes {', '.join(sorted(present ^ made))} in a file of another name, or none at all",
        )
    return "configured" if configured else "not_configured"


async def rpc_state(conn: Connection) -> str:
    """`configured` if the functions stand there that the engine calls over HTTP."""
    there = await conn.fetchval(
        "SELECT count(*) FROM pg_catalog.pg_proc p WHERE p.pronamespace = to_regnamespace($1)", SCHEMA
    )
    return "configured" if there == len(_OWNERS) else "not_configured"
