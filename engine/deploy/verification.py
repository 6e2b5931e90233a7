"""Finds every difference between a database and sql/, as a role that may only read."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from engine.deploy.catalog import read_catalog
from engine.deploy.connection import Connection
from engine.deploy.rules import broken_rules
from engine.deploy.sources import SqlTree, read_tree


class DriftKind(StrEnum):
    """What is wrong; the rules hold whatever a deploy has recorded."""

    NOT_DEPLOYED = "not_deployed"
    EDITED_MIGRATION = "edited_migration"
    PENDING_MIGRATION = "pending_migration"
    UNKNOWN_MIGRATION = "unknown_migration"
    PENDING_FILE = "pending_file"
    CHANGED = "changed"
    MISSING = "missing"
    EXTRA = "extra"
    PUBLIC_GRANT = "public_grant"
    WRITE_GRANT = "write_grant"
    ROW_SECURITY = "row_security"
    UNSAFE_DEFINER = "unsafe_definer"
    TRIGGER_DISABLED = "trigger_disabled"
    ROLE = "role"
    TEST_CLOCK = "test_clock"


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference: `object` is named as PostgreSQL names it, with its sort before it."""

    kind: DriftKind
    object: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.object}: {self.detail}"


async def verify(conn: Connection, sql_dir: Path | None = None) -> list[Drift]:
    """Every difference, empty if there is none; needs only SELECT on the two bookkeeping tables.

    A database with the movable clock shows exactly one drift of kind `test_clock` if all else is equal.
    """
    tree = read_tree(sql_dir)
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        await conn.execute("SET LOCAL search_path = ''")
        there = await conn.fetchval("SELECT to_regclass('engine.schema_objects') IS NOT NULL")
        if not there:
            return [Drift(DriftKind.NOT_DEPLOYED, "schema engine", "nothing was deployed here")]
        found = [
            *await _migrations(conn, tree),
            *await _files(conn, tree),
            *await _objects(conn),
            *(Drift(DriftKind(kind), name, detail) for kind, name, detail in await broken_rules(conn)),
        ]
    return sorted(found, key=lambda drift: (drift.kind, drift.object))


async def _migrations(conn: Connection, tree: SqlTree) -> Iterable[Drift]:
    rows = await conn.fetch("SELECT version, name, sha256 FROM engine.schema_migrations")
    applied = {row["version"]: row for row in rows}
    known = {file.name[:14]: file for file in tree.migrations}
    found = []
    for version, file in known.items():
        if version not in applied:
            found.append(Drift(DriftKind.PENDING_MIGRATION, file.path, "not applied yet"))
        elif applied[version]["sha256"] != file.sha256:
            found.append(Drift(DriftKind.EDITED_MIGRATION, file.path, "edited after it was applied"))
    for version, row in applied.items():
        if version not in known:
            found.append(
                Drift(DriftKind.UNKNOWN_MIGRATION, row["name"], "applied, but sql/ has no such file")
            )
    return found


async def _files(conn: Connection, tree: SqlTree) -> Iterable[Drift]:
    rows = await conn.fetch("SELECT name, fingerprint FROM engine.schema_objects WHERE kind = 'file'")
    deployed = {row["name"]: row["fingerprint"] for row in rows}
    clock = tree.test_clock
    movable = deployed.get(clock.path) is not None
    wanted = {file.path: file.sha256 for file in tree.effective(test_clock=movable)}
    found = []
    for path in sorted(wanted.keys() | deployed.keys()):
        if path not in deployed:
            found.append(Drift(DriftKind.PENDING_FILE, path, "not deployed yet"))
        elif path not in wanted:
            found.append(Drift(DriftKind.PENDING_FILE, path, "deployed, but sql/ no longer has it"))
        elif wanted[path] != deployed[path]:
            found.append(Drift(DriftKind.PENDING_FILE, path, "differs from what was deployed"))
    if movable:
        found.append(
            Drift(DriftKind.TEST_CLOCK, "function fn_clock()", "its time can be moved: for tests only")
        )
    return found


async def _objects(conn: Connection) -> Iterable[Drift]:
    rows = await conn.fetch(
        "SELECT kind, name, fingerprint, definition FROM engine.schema_objects WHERE definition IS NOT NULL"
    )
    recorded = {(row["kind"], row["name"]): row for row in rows}
    present = {(one.kind, one.name): one for one in await read_catalog(conn)}
    found = []
    for key in sorted(recorded.keys() | present.keys()):
        name = " ".join(key)
        if key not in present:
            found.append(Drift(DriftKind.MISSING, name, "deployed, but gone"))
        elif key not in recorded:
            found.append(Drift(DriftKind.EXTRA, name, "no deploy made it"))
        elif recorded[key]["fingerprint"] != present[key].fingerprint:
            detail = _difference(recorded[key]["definition"], present[key].definition)
            found.append(Drift(DriftKind.CHANGED, name, detail))
    return found


def _difference(before: str, now: str) -> str:
    """Which properties changed; small ones with both values."""
    if not before.startswith("{"):
        return f"was {before!r}, is {now!r}"
    old, new = json.loads(before), json.loads(now)
    parts = []
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            short = key not in {"source", "body", "columns", "query"}
            parts.append(f"{key} was {old.get(key)!r}, is {new.get(key)!r}" if short else f"{key} differs")
    return "; ".join(parts)
