"""Re-applies the function files: a function keeps its identity where its signature stayed."""

from collections import defaultdict
from dataclasses import dataclass

import asyncpg

from engine.deploy.connection import Connection
from engine.deploy.execution import act_as, run_file
from engine.deploy.roles import OWNER, SCHEDULER
from engine.deploy.sources import SourceFile
from engine.domain.errors import ErrorCode, HoldfastError

_PRESENT = """
SELECT p.oid, p.proname AS name, p.proowner::regrole::text AS owner,
       format('ROUTINE %s', p.oid::regprocedure) AS identity
FROM pg_catalog.pg_proc p
WHERE p.pronamespace = 'engine'::regnamespace
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
"""

# A grant made by hand does not survive a deploy; what a file grants is given again by it.
_REVOKE_GRANTS = """
SELECT DISTINCT format('REVOKE ALL ON ROUTINE %s FROM %s', p.oid::regprocedure,
                       CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END) AS command
FROM pg_catalog.pg_proc p,
     pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a
WHERE p.pronamespace = 'engine'::regnamespace AND p.proowner::regrole::text = $1
  AND a.grantee <> p.proowner AND ($2 OR a.grantee = 0)
"""

# CREATE OR REPLACE refuses another result type or name of a parameter; and with other types it makes a second
# function, of which the file's COMMENT and REVOKE do not say which they mean.
_SIGNATURE_CHANGED = (asyncpg.InvalidFunctionDefinitionError, asyncpg.AmbiguousFunctionError)


_LOOK_UPS = frozenset({"fn_find_key", "fn_find_foreign"})


@dataclass(frozen=True, slots=True)
class _Present:
    oid: int
    owner: str
    identity: str


async def apply_functions(conn: Connection, files: list[SourceFile]) -> list[str]:
    """Make exactly the functions that the files define; give back what was swept away."""
    before = await _present(conn)
    for role in (OWNER, SCHEDULER):
        await _revoke(conn, role, everyone=True)
    await act_as(conn, OWNER)
    await conn.execute(f"GRANT USAGE, CREATE ON SCHEMA engine TO {SCHEDULER}")
    for file in files:
        old = before.get(file.name, [])
        if any(one.owner != owner_of(file) for one in old):
            await _drop(conn, old)
            old = before[file.name] = []
        await _apply(conn, file, old)
    after = await _present(conn)
    for file in files:
        await _keep_one(conn, file, before.get(file.name, []), after.get(file.name, []))
    names = {file.name for file in files}
    stray = sorted(set(after) - set(before) - names)
    if stray:
        raise HoldfastError(
            ErrorCode.CONFIGURATION, f"functions/ makes {', '.join(stray)} without a file of that name"
        )
    swept = []
    for name in sorted(set(after) - names):
        await _drop(conn, after[name])
        swept += [f"functions: {one.identity.removeprefix('ROUTINE ')}" for one in after[name]]
    for role in (OWNER, SCHEDULER):
        await _revoke(conn, role, everyone=False)
    await act_as(conn, OWNER)
    await conn.execute(f"REVOKE CREATE ON SCHEMA engine FROM {SCHEDULER}")
    return swept


def owner_of(file: SourceFile) -> str:
    """Cross-tenant look-ups belong to the scheduler, whose policies see ids only; all else to the owner."""
    return SCHEDULER if file.name.startswith("fn_due_") or file.name in _LOOK_UPS else OWNER


async def _present(conn: Connection) -> dict[str, list[_Present]]:
    found: dict[str, list[_Present]] = defaultdict(list)
    for row in await conn.fetch(_PRESENT):
        found[row["name"]].append(_Present(row["oid"], row["owner"], row["identity"]))
    return found


async def _apply(conn: Connection, file: SourceFile, old: list[_Present]) -> None:
    await act_as(conn, owner_of(file))
    try:
        async with conn.transaction():
            await run_file(conn, file)
    except HoldfastError as error:
        if not old or not isinstance(error.__cause__, _SIGNATURE_CHANGED):
            raise
        await _drop(conn, old)
        await act_as(conn, owner_of(file))
        await run_file(conn, file)


async def _keep_one(conn: Connection, file: SourceFile, old: list[_Present], now: list[_Present]) -> None:
    """Drop the other signatures of this name."""
    if not now:
        raise HoldfastError(ErrorCode.CONFIGURATION, f"{file.path} does not make engine.{file.name}")
    if len(now) == 1:
        return
    known = {one.oid for one in old}
    if {one.oid for one in now} - known:
        await _drop(conn, [one for one in now if one.oid in known])
    else:  # one of several known signatures was replaced; which of them only a fresh start tells
        await _drop(conn, now)
        await act_as(conn, owner_of(file))
        await run_file(conn, file)


async def _drop(conn: Connection, functions: list[_Present]) -> None:
    for function in functions:
        # The owner's role may drop it; one made by hand by another login needs that login, or a superuser's.
        await act_as(conn, function.owner if function.owner in (OWNER, SCHEDULER) else None)
        await conn.execute(f"DROP {function.identity}")


async def _revoke(conn: Connection, role: str, *, everyone: bool) -> None:
    await act_as(conn, role)
    for row in await conn.fetch(_REVOKE_GRANTS, role, everyone):
        await conn.execute(row["command"])
