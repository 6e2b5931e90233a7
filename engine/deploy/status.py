"""Tells what stands in a database, for operators: nothing is judged here."""

from dataclasses import dataclass
from pathlib import Path

from engine.deploy.connection import Connection
from engine.deploy.roles import backup_role
from engine.deploy.sources import read_tree

_ROLES = (
    "holdfast_owner", "holdfast_scheduler", "holdfast_engine", "holdfast_operator", "holdfast_reader",
    "holdfast_deployer",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Status:
    """State of one database; `schema_hash` is None where nothing was deployed."""

    server_version: str
    database: str
    size_bytes: int
    schema_hash: str | None
    schema_hash_wanted: str
    test_clock: bool
    migrations_applied: tuple[str, ...]
    migrations_pending: tuple[str, ...]
    roles: dict[str, str]  # role -> "present" | "missing"; backup -> "configured" | "not_configured"


async def status(conn: Connection, sql_dir: Path | None = None) -> Status:
    """Read it with any role that has SELECT on the two bookkeeping tables."""
    async with conn.transaction(readonly=True):
        return await _status(conn, sql_dir)


async def _status(conn: Connection, sql_dir: Path | None) -> Status:
    tree = read_tree(sql_dir)
    schema_hash, applied, movable = None, [], False
    if await conn.fetchval("SELECT to_regclass('engine.schema_objects') IS NOT NULL"):
        schema_hash = await conn.fetchval(
            "SELECT fingerprint FROM engine.schema_objects WHERE (kind, name) = ('schema', 'hash')"
        )
        rows = await conn.fetch("SELECT name FROM engine.schema_migrations ORDER BY version")
        applied = [row["name"] for row in rows]
        movable = await conn.fetchval("SELECT to_regclass('engine.test_clock') IS NOT NULL")
    present = {row[0] for row in await conn.fetch("SELECT rolname FROM pg_catalog.pg_roles")}
    roles = {name: "present" if name in present else "missing" for name in _ROLES}
    roles["backup"] = await backup_role(conn)
    return Status(
        server_version=conn.get_settings().server_version,
        database=await conn.fetchval("SELECT current_database()"),
        size_bytes=await conn.fetchval("SELECT pg_database_size(current_database())"),
        schema_hash=schema_hash,
        schema_hash_wanted=tree.schema_hash(test_clock=movable),
        test_clock=movable,
        migrations_applied=tuple(applied),
        migrations_pending=tuple(file.name for file in tree.migrations if file.name not in applied),
        roles=roles,
    )
