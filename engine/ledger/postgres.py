"""Calls over PostgreSQL's own wire: a pool of sessions that hold no state between two calls."""

import asyncio
from dataclasses import dataclass
from typing import Any, Self

import asyncpg

from engine.ledger.reading import begin_as
from engine.ledger.transport import FAILURES, Crossing
from engine.ledger.wire import dump, load

_ROLLBACK_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class LedgerOptions:
    """How to reach the database.

    `pooled`: through a pooler that gives each transaction another session. Then nothing is set for a session,
    and each call is a transaction of its own that takes the role and the timeouts itself.
    """

    url: str
    pool_size: int = 8
    role: str | None = "holdfast_engine"
    statement_cache_size: int = 256
    connect_timeout_s: float = 5.0
    call_timeout_s: float = 5.0
    lock_timeout_ms: int = 2_000
    statement_timeout_ms: int = 30_000
    batch_items_max: int = 64
    pooled: bool = False

    async def open(self) -> "PostgresTransport":
        """Open the pool. Raises what a transport raises."""
        return await PostgresTransport.connect(self)


class PostgresTransport:
    """Sends `SELECT engine.fn_…($1, …)` and nothing else, but for the frame of a reading transaction."""

    def __init__(self, pool: asyncpg.Pool, begin: str | None = None) -> None:
        self.pool = pool
        self._begin = begin  # opens the transaction of every call, where none may rely on its session

    @classmethod
    async def connect(cls, options: LedgerOptions) -> Self:
        """Open the pool; at least one session proves that the server is there."""
        # A pooler takes no other; it would give what is set here to whoever comes next.
        server_settings = {"application_name": "holdfast"}
        if not options.pooled:
            server_settings |= {"search_path": "", "jit": "off"}
        if options.role is not None and not options.pooled:
            server_settings |= {
                "role": options.role,
                "lock_timeout": str(options.lock_timeout_ms),
                "statement_timeout": str(options.statement_timeout_ms),
            }
        pool = await asyncpg.create_pool(
            options.url,
            min_size=1,
            max_size=options.pool_size,
            max_inactive_connection_lifetime=0,
            timeout=options.connect_timeout_s,
            statement_cache_size=0 if options.pooled else options.statement_cache_size,
            server_settings=server_settings,
            init=_prepare,
            reset=_keep,
        )
        return cls(pool, _begin(options) if options.pooled else None)

    async def close(self, timeout_s: float) -> None:
        """Close every connection; calls in flight end first, for a while."""
        try:
            async with asyncio.timeout(timeout_s):
                await self.pool.close()
        except TimeoutError:
            self.pool.terminate()

    async def renew(self) -> None:
        """Open new sessions: one keeps the defaults it was opened with, and a former primary its role."""
        await self.pool.expire_connections()

    async def fetch(self, crossing: Crossing) -> list[Any]:
        """Send the call on a session of the pool."""
        statement = _statement(crossing)
        async with self.pool.acquire(timeout=crossing.remaining_s()) as connection:
            crossing.sent = True
            begin = self._begin if crossing.reader is None else begin_as(crossing.reader)
            if begin is None:
                rows: list[Any] = await connection.fetch(
                    statement, *crossing.args, timeout=crossing.remaining_s()
                )
                return rows
            return await _fetch_within(begin, connection, statement, crossing)


async def _fetch_within(begin: str, connection: Any, statement: str, crossing: Crossing) -> list[Any]:
    rows: list[Any]
    try:
        await connection.execute(begin, timeout=crossing.remaining_s())
        rows = await connection.fetch(statement, *crossing.args, timeout=crossing.remaining_s())
        await connection.execute("COMMIT", timeout=crossing.remaining_s())
    except asyncpg.PostgresError:
        try:
            await connection.execute("ROLLBACK", timeout=_ROLLBACK_TIMEOUT_S)
        except FAILURES:
            connection.terminate()
        raise
    except BaseException:  # also when cancelled: nobody else may get a session with this tenant's claims
        connection.terminate()
        raise
    return rows


async def _prepare(connection: Any) -> None:
    """Let jsonb cross as Python values, so that no caller guesses whether a text is JSON."""
    async with connection.transaction():  # its look-up takes two steps, which a pooler may part
        await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=dump, decoder=load)


async def _keep(_connection: Any) -> None:
    """Keep the session as it is: functions set only transaction-local settings, a reset costs half."""


def _begin(options: LedgerOptions) -> str:
    role = "" if options.role is None else f'; SET LOCAL ROLE "{options.role}"'
    return (
        f"BEGIN{role}; SET LOCAL lock_timeout = {options.lock_timeout_ms};"
        f" SET LOCAL statement_timeout = {options.statement_timeout_ms}; SET LOCAL jit = off"
    )


def _statement(crossing: Crossing) -> str:
    parameters = ", ".join(f"${place}" for place in range(1, len(crossing.args) + 1))
    select = "SELECT * FROM" if crossing.table else "SELECT"
    return f"{select} engine.{crossing.function}({parameters})"
