"""The one way to the database: every SQL call's deadline, metrics, errors, refusals and faults."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from time import perf_counter
from typing import Any, Protocol, Self
from uuid import UUID

from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger.coalesce import Coalescer
from engine.ledger.postgres import LedgerOptions
from engine.ledger.translation import EFFECT_UNKNOWN, Trouble, translate, trouble_of
from engine.ledger.transport import FAILURES, Crossing, Transport
from engine.ledger.wire import exact
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
        ErrorCode.ACCOUNT_SHARED,
        ErrorCode.ILLEGAL_TRANSITION,
        ErrorCode.STALE_TOKEN,
        ErrorCode.IMMUTABLE,
        ErrorCode.INVARIANT_BROKEN,
    }
)
# Each item is a robot's own request. All others keep their order: fills of an order are booked as they came.
_SIDE_BY_SIDE = frozenset({"fn_open_entry", "fn_open_exit"})
_FULL_S = 10.0  # how long a full disk is believed to be full after the last write that met it
_FINE = frozenset({"OK", "REPLAY", "DUPLICATE", "PARKED"})
_log = get_logger(__name__)
__all__ = ["AFTER", "BEFORE", "Fault", "Ledger", "LedgerOptions", "Options"]


class Options(Protocol):
    """How to reach the database by one transport or the other, and what bounds each call."""

    @property
    def call_timeout_s(self) -> float:
        """How long a call may take that names no deadline."""

    @property
    def batch_items_max(self) -> int:
        """How many items of a hot function go in one call."""

    async def open(self) -> Transport:
        """Open the transport. Raises what a transport raises."""


class Ledger:
    """Calls SQL functions. Typed wrappers by topic stand beside it; nothing else speaks to Postgres."""

    def __init__(self, transport: Transport, options: Options, metrics: Metrics, clock: Clock) -> None:
        self.fault: Fault | None = None
        self.on_foreign: Callable[[UUID, str], None] = lambda _tenant_id, _function: None
        self.after_item: Callable[[], None] = lambda: None  # called when a hot function may have told a fact
        self.clock = clock
        self.metrics = metrics
        self.transport = transport
        self._options = options
        self._full_until = float("-inf")
        self._coalescer = Coalescer(self._array, metrics, clock, options.batch_items_max, _SIDE_BY_SIDE)

    @classmethod
    async def connect(cls, options: Options, metrics: Metrics, clock: Clock) -> Self:
        """Open the transport. Raises DATABASE_UNAVAILABLE when the server cannot be reached."""
        try:
            transport = await options.open()
        except FAILURES as error:
            raise translate(error, "connect", sent=False) from error
        return cls(transport, options, metrics, clock)

    async def close(self) -> None:
        """Close every connection; calls in flight end first, for a while."""
        await self.transport.close(self._options.call_timeout_s)

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
        self, tenant_id: UUID, function: str, args: tuple[Any, ...], deadline: float | None
    ) -> Any:
        """Call a function inside a reading transaction of a tenant, as engine.ledger.reading does."""
        rows = await self._cross(function, args, deadline, reader=tenant_id)
        return rows[0][0] if rows else None

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
        reader: UUID | None = None,
    ) -> list[Any]:
        """Cross the seam: the only place where a call is sent."""
        deadline = self.deadline() if deadline is None else deadline
        crossing = Crossing(
            _checked(function),
            tuple(_value(argument) for argument in args),
            lambda: self._remaining(deadline),
            table,
            reader,
        )
        started = perf_counter()
        try:
            if self.fault is not None:
                await self.fault(BEFORE, function, args)
            rows = await self.transport.fetch(crossing)
            if self.fault is not None:
                await self.fault(AFTER, function, args)
        except FAILURES as error:
            refusal = translate(error, function, sent=crossing.sent)
            if crossing.lost:
                refusal.details["effect"] = EFFECT_UNKNOWN
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

    async def _met(self, trouble: Trouble) -> None:
        """Count an outage, and do what lets calls work as soon as it is over."""
        self.metrics.database_outages_total.labels(trouble.value).inc()
        if trouble is Trouble.DISK_FULL:
            self._full_until = self.clock.monotonic() + _FULL_S
        elif trouble is Trouble.READ_ONLY:
            await self.transport.renew()

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


def _checked(function: str) -> str:
    if not function.startswith(_FUNCTION_PREFIX) or not function.isidentifier():
        raise HoldfastError(ErrorCode.INTERNAL, f"not a function of ours: {function}")
    return function


def _value(argument: Any) -> Any:
    if isinstance(argument, Decimal):
        exact(argument, "number")
    return argument
