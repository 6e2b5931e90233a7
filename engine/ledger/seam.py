"""The one way to the database: every SQL call's deadline, metrics, errors, refusals and faults."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from time import perf_counter
from typing import Any, Self
from uuid import UUID

import asyncpg

from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger.coalesce import Coalescer
from engine.ledger.translation import Trouble, translate, trouble_of
from engine.ledger.wire import dump, exact, load
from engine.runtime.clock import Clock
from engine.runtime.log import get_logger
from engine.runtime.metrics import Metrics

BEFORE = "before"
AFTER = "after"
# fault(point, function, arguments): tests raise from it, cancel in it, or wait.
Fault = Callable[[str, str, tuple[Any, ...]], Awaitable[None]]

_FUNCTION_PREFIX = "fn_"
_REFUSAL_FUNCTION = "fn_record_refusal"
_REFUSAL_TIMEOUT_S = 1.0
_AUDITED = frozenset(
    {
        ErrorCode.FORBIDDEN,
        ErrorCode.ILLEGAL_TRANSITION,
        ErrorCode.STALE_TOKEN,
        ErrorCode.IMMUTABLE,
        ErrorCode.INVARIANT_BROKEN,
    }
)
# InternalClientError: asyncpg's own state machine stumbles when the server ends a session under it.
_FAILURES = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
_ROLLBACK_TIMEOUT_S = 1.0
_FULL_S = 10.0  # how long a full disk is believed to be full after the last write that met it
_FINE = frozenset({"OK", "REPLAY", "DUPLICATE", "PARKED"})
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LedgerOptions:
    """How to reach the database. Behind a transaction pooler: statement_cache_size 0, role None."""

    url: str
    pool_size: int = 8
    role: str | None = "holdfast_engine"
    statement_cache_size: int = 256
    connect_timeout_s: float = 5.0
    call_timeout_s: float = 5.0
    lock_timeout_ms: int = 2_000
    statement_timeout_ms: int = 30_000
    batch_items_max: int = 64


class Ledger:
    """Calls SQL functions. Typed wrappers by topic stand beside it; nothing else speaks to Postgres."""

    def __init__(self, pool: asyncpg.Pool, options: LedgerOptions, metrics: Metrics, clock: Clock) -> None:
        self.fault: Fault | None = None
        self.on_foreign: Callable[[UUID, str], None] = lambda _tenant_id, _function: None
        self.after_item: Callable[[], None] = lambda: None  # called when a hot function may have told a fact
        self.clock = clock
        self.metrics = metrics
        self._pool = pool
        self._options = options
        self._full_until = float("-inf")
        self._coalescer = Coalescer(self._array, metrics, clock, options.batch_items_max)

    @classmethod
    async def connect(cls, options: LedgerOptions, metrics: Metrics, clock: Clock) -> Self:
        """Open the pool. Raises DATABASE_UNAVAILABLE when the server cannot be reached."""
        server_settings = {"application_name": "holdfast", "search_path": "", "jit": "off"}
        if options.role is not None:
            server_settings |= {
                "role": options.role,
                "lock_timeout": str(options.lock_timeout_ms),
                "statement_timeout": str(options.statement_timeout_ms),
            }
        try:
            pool = await asyncpg.create_pool(
                options.url,
                min_size=1,
                max_size=options.pool_size,
                max_inactive_connection_lifetime=0,
                timeout=options.connect_timeout_s,
                statement_cache_size=options.statement_cache_size,
                server_settings=server_settings,
                init=_prepare,
                reset=_keep,
            )
        except _FAILURES as error:
            raise translate(error, "connect", sent=False) from error
        return cls(pool, options, metrics, clock)

    async def close(self) -> None:
        """Close every connection; calls in flight end first, for a while."""
        try:
            async with asyncio.timeout(self._options.call_timeout_s):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    @property
    def disk_full(self) -> bool:
        """Whether a write met a full disk lately; reads and small writes may work nevertheless."""
        return self.clock.monotonic() < self._full_until

    def deadline(self, timeout_s: float | None = None) -> float:
        """Return the monotonic moment at which a call that begins now shall give up."""
        return self.clock.monotonic() + (self._options.call_timeout_s if timeout_s is None else timeout_s)

    async def call(self, function: str, *args: Any, deadline: float | None = None) -> Any:
        """Call a function and return its value; jsonb comes back as Python values.

        Raises HoldfastError: `details.effect` is "unknown" when it may have committed nevertheless.
        """
        rows = await self._cross(function, args, deadline)
        return rows[0][0] if rows else None

    async def rows(self, function: str, *args: Any, deadline: float | None = None) -> list[dict[str, Any]]:
        """Call a function that returns a table, and return its rows."""
        return [dict(row) for row in await self._cross(function, args, deadline, table=True)]

    async def read(
        self, begin: str, function: str, args: tuple[Any, ...], deadline: float | None
    ) -> list[asyncpg.Record]:
        """Call a function inside a transaction that `begin` opens, as engine.ledger.reading does."""
        return await self._cross(function, args, deadline, begin=begin)

    async def item(
        self, function: str, tenant_id: UUID, item: dict[str, Any], *, deadline: float | None = None
    ) -> dict[str, Any]:
        """Do one item of a hot function, in one array call with what others ask for meanwhile."""
        result = await self._coalescer.submit(function, tenant_id, item, deadline or self.deadline())
        self.after_item()
        if result["code"] not in _FINE:
            await self._refused(function, tenant_id, str(result["code"]), result)
        return result

    async def _array(
        self, function: str, tenant_id: UUID, items: list[dict[str, Any]], deadline: float
    ) -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = await self.call(function, tenant_id, items, deadline=deadline)
        if len(results) != len(items):
            raise HoldfastError(
                ErrorCode.INTERNAL, f"{function} answered {len(results)} of {len(items)} items"
            )
        return results

    async def _cross(
        self,
        function: str,
        args: tuple[Any, ...],
        deadline: float | None,
        *,
        table: bool = False,
        begin: str = "",
    ) -> list[asyncpg.Record]:
        """Cross the seam: the only place where a statement is sent."""
        deadline = self.deadline() if deadline is None else deadline
        statement = _statement(function, len(args), table=table)
        values = [_value(argument) for argument in args]
        started = perf_counter()
        sent = False
        try:
            if self.fault is not None:
                await self.fault(BEFORE, function, args)
            async with self._pool.acquire(timeout=self._remaining(deadline)) as connection:
                sent = True
                rows = await self._fetch(connection, begin, statement, values, deadline)
            if self.fault is not None:
                await self.fault(AFTER, function, args)
        except _FAILURES as error:
            refusal = translate(error, function, sent=sent)
            self.metrics.sql_call_errors_total.labels(function, refusal.code.value).inc()
            trouble = trouble_of(refusal)
            if trouble is not None:
                await self._met(trouble)
            if refusal.code in _AUDITED and args and isinstance(args[0], UUID):
                await self._refused(function, args[0], refusal.code.value, refusal.details)
            raise refusal from error
        finally:
            self.metrics.sql_call_duration_seconds.labels(function).observe(perf_counter() - started)
        return rows

    async def _fetch(
        self, connection: Any, begin: str, statement: str, values: list[Any], deadline: float
    ) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record]
        if not begin:
            rows = await connection.fetch(statement, *values, timeout=self._remaining(deadline))
            return rows
        try:
            await connection.execute(begin, timeout=self._remaining(deadline))
            rows = await connection.fetch(statement, *values, timeout=self._remaining(deadline))
            await connection.execute("COMMIT", timeout=self._remaining(deadline))
        except asyncpg.PostgresError:
            try:
                await connection.execute("ROLLBACK", timeout=_ROLLBACK_TIMEOUT_S)
            except _FAILURES:
                connection.terminate()
            raise
        except BaseException:  # also when cancelled: nobody else may get a session with this tenant's claims
            connection.terminate()
            raise
        return rows

    async def _met(self, trouble: Trouble) -> None:
        """Count an outage, and do what lets calls work as soon as it is over."""
        self.metrics.database_outages_total.labels(trouble.value).inc()
        if trouble is Trouble.DISK_FULL:
            self._full_until = self.clock.monotonic() + _FULL_S
        elif trouble is Trouble.READ_ONLY:
            # a session keeps the default it was opened with, and a former primary its role: open new ones
            await self._pool.expire_connections()

    def _remaining(self, deadline: float) -> float:
        remaining = deadline - self.clock.monotonic()
        if remaining <= 0:
            raise TimeoutError("past its deadline")
        return remaining

    async def _refused(self, function: str, tenant_id: UUID, code: str, detail: dict[str, Any]) -> None:
        """Count a refusal, and audit the grave ones in a transaction of their own."""
        self.metrics.refusals_total.labels(code, function).inc()
        counter = {
            "FORBIDDEN": self.metrics.cross_tenant_access_attempts_total,
            "ILLEGAL_TRANSITION": self.metrics.illegal_transition_attempts_total,
            "STALE_TOKEN": self.metrics.stale_token_attempts_total,
            "INVARIANT_BROKEN": self.metrics.financial_invariant_failures_total,
        }.get(code)
        if counter is not None:
            counter.labels(str(tenant_id), function).inc()
        if code == ErrorCode.FORBIDDEN.value:
            self.on_foreign(tenant_id, function)
        if code not in _AUDITED or function == _REFUSAL_FUNCTION:
            return
        shown = {key: str(value) for key, value in detail.items() if key != "intent"}
        try:
            await self.call(
                _REFUSAL_FUNCTION,
                tenant_id,
                "engine",
                function,
                code,
                shown,
                deadline=self.deadline(_REFUSAL_TIMEOUT_S),
            )
        except HoldfastError as error:
            # The refusal itself stands; losing its audit row must not turn it into another error.
            _log.warning("refusal not audited", function=function, code=code, error=str(error))


async def _prepare(connection: Any) -> None:
    """Let jsonb cross as Python values, so that no caller guesses whether a text is JSON."""
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=dump, decoder=load)


async def _keep(_connection: Any) -> None:
    """Keep the session as it is: functions set only transaction-local settings, a reset costs half."""


def _statement(function: str, arguments: int, *, table: bool) -> str:
    if not function.startswith(_FUNCTION_PREFIX) or not function.isidentifier():
        raise HoldfastError(ErrorCode.INTERNAL, f"not a function of ours: {function}")
    parameters = ", ".join(f"${place}" for place in range(1, arguments + 1))
    select = "SELECT * FROM" if table else "SELECT"
    return f"{select} engine.{function}({parameters})"


def _value(argument: Any) -> Any:
    if isinstance(argument, Decimal):
        exact(argument, "number")
    return argument
