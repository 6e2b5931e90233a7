"""The robot's memory of what it asked for: each key and its order durable before a byte is sent."""

import asyncio
import json
import os
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from engine.client.errors import JournalError, KeyReusedError

KEEP_DAYS = 30

_DAY_MS = 86_400_000
_WAIT_S = 1.0  # for the process before this one to be gone
_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
  key TEXT PRIMARY KEY NOT NULL,
  kind TEXT NOT NULL,
  body TEXT NOT NULL,
  written_ms INTEGER NOT NULL,
  order_id TEXT,
  outcome TEXT,
  code TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS requests_open ON requests (written_ms) WHERE outcome IS NULL;
CREATE INDEX IF NOT EXISTS requests_order ON requests (order_id) WHERE order_id IS NOT NULL;
"""
_COLUMNS = "key, kind, body, written_ms, order_id, outcome, code"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it was written; `order_id` once Holdfast has shown that it knows the key.

    `outcome` None: not settled. `body` is the exact text that is sent, every time.
    """

    key: str
    kind: str  # entry | exit
    body: str
    written_ms: int
    order_id: str | None = None
    outcome: str | None = None
    code: str | None = None

    @property
    def order(self) -> dict[str, Any]:
        """What was asked for, without the label that only repeats the key."""
        fields: dict[str, Any] = json.loads(self.body)
        if fields.get("label") == self.key:
            del fields["label"]
        return fields


class Journal:
    """One SQLite file, in a thread of its own so that no fsync holds up the robot's event loop.

    Every write is committed with fsync before it returns. The file is locked as long as it is open, and free
    when its process has died: two robots that repeat each other's calls would take them for their own. Raises
    JournalError for that and for everything else that SQLite or the disk refuses.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="holdfast-journal")
        self._opened: sqlite3.Connection | None = None

    async def write(self, asked: Asked) -> tuple[Asked, bool]:
        """Make a request durable; returns its row, and whether it may have been sent before.

        The row is the one of before if the key was used for this order; one that ended without any order
        begins anew. Raises KeyReusedError.
        """
        return await self._run(lambda connection: _write(connection, asked))

    async def known(self, key: str, order_id: str) -> None:
        """Note that Holdfast has this key, as this order: asking again can only repeat its answer."""
        await self._run(
            lambda connection: connection.execute(
                "UPDATE requests SET order_id = ? WHERE key = ?", (order_id, key)
            )
        )

    async def settle(self, key: str, outcome: str, code: str | None, order_id: str | None) -> None:
        """Note the final answer."""
        await self._run(
            lambda connection: connection.execute(
                "UPDATE requests SET outcome = ?, code = ?, order_id = coalesce(?, order_id) WHERE key = ?",
                (outcome, code, order_id, key),
            )
        )

    async def find(self, key: str) -> Asked | None:
        """Return the request of a key."""
        return await self._run(lambda connection: _one(connection, key))

    async def unsettled(self) -> list[Asked]:
        """Return every request without a final answer, oldest first."""
        return await self._run(
            lambda connection: [
                Asked(*row)
                for row in connection.execute(
                    f"SELECT {_COLUMNS} FROM requests WHERE outcome IS NULL ORDER BY written_ms, key"  # noqa: S608
                )
            ]
        )

    async def keys_of(self, order_ids: Iterable[str]) -> dict[str, str]:
        """Return the keys of orders, by order id; orders of other robots have none here."""
        wanted = list(order_ids)
        return await self._run(
            lambda connection: {
                order_id: row[0]
                for order_id in wanted
                for row in connection.execute("SELECT key FROM requests WHERE order_id = ?", (order_id,))
            }
        )

    async def abandon(self, key: str) -> None:
        """Stop asking for a key whose outcome is not known."""
        await self._run(
            lambda connection: connection.execute(
                "UPDATE requests SET outcome = 'unknown' WHERE key = ? AND outcome IS NULL", (key,)
            )
        )

    async def forget(self, before_ms: int) -> None:
        """Drop settled requests that were written before a moment; Holdfast itself keeps keys for ever."""
        await self._run(
            lambda connection: connection.execute(
                "DELETE FROM requests WHERE outcome IS NOT NULL AND written_ms < ?", (before_ms,)
            )
        )

    async def close(self) -> None:
        """Let what is being written end, and close the file."""
        if self._opened is not None:
            await self._run(lambda connection: connection.close())
            self._opened = None
        self._thread.shutdown(wait=True)

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        # Shielded: a caller that is cancelled must not leave the thread with a write nobody waits for.
        return await asyncio.shield(
            asyncio.get_running_loop().run_in_executor(self._thread, self._work, work)
        )

    def _work(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._opened is None:
                self._opened = _open(self.path)
            return work(self._opened)
        except (sqlite3.Error, OSError) as error:
            raise JournalError(f"{self.path}: {error}") from error


def keep_from(now_ms: int) -> int:
    """Return from when on settled requests are kept."""
    return now_ms - KEEP_DAYS * _DAY_MS


def _open(path: Path) -> sqlite3.Connection:
    new = not path.exists()
    if new:  # nobody else needs to read what a robot trades
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    connection = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        _make(connection)
    except BaseException:
        connection.close()
        raise
    if new:  # the file's name is as durable as what is in it
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    return connection


def _make(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > _VERSION:
        raise sqlite3.DatabaseError(f"it is of version {version}, written by a newer SDK")
    if version < _VERSION:
        connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")


def _one(connection: sqlite3.Connection, key: str) -> Asked | None:
    row = connection.execute(f"SELECT {_COLUMNS} FROM requests WHERE key = ?", (key,)).fetchone()  # noqa: S608
    return None if row is None else Asked(*row)


def _write(connection: sqlite3.Connection, asked: Asked) -> tuple[Asked, bool]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        written = _written(connection, asked)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return written


def _written(connection: sqlite3.Connection, asked: Asked) -> tuple[Asked, bool]:
    found = _one(connection, asked.key)
    if found is None:
        connection.execute(
            "INSERT INTO requests (key, kind, body, written_ms) VALUES (?, ?, ?, ?)",
            (asked.key, asked.kind, asked.body, asked.written_ms),
        )
        return asked, False
    if (found.kind, found.order) != (asked.kind, asked.order):
        raise KeyReusedError(asked.key)
    if found.outcome != "not_placed" or found.order_id is not None:
        return found, True
    connection.execute(
        "UPDATE requests SET outcome = NULL, code = NULL, written_ms = ? WHERE key = ?",
        (asked.written_ms, asked.key),
    )
    return Asked(found.key, found.kind, found.body, asked.written_ms), False
