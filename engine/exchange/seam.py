"""The one way out to an exchange: budget, deadline, injected faults and measurements of every call."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import aiohttp

from engine.exchange.circuit import Cause, Circuit, cause_of, retry_after_s
from engine.exchange.outcome_table import raw_code
from engine.exchange.scheduler import BudgetExceededError, CallClass, Scheduler
from engine.exchange.wire import WireRecord, recording
from engine.runtime.clock import Clock

T = TypeVar("T")

_PROBE = "time"  # the call that finds out how an exchange is
_CLOCK_REFUSED = "-1021"  # Binance: the time stamp is outside of its window
_BODY_JUDGED_MAX = 4_096  # refusals are short
_ANSWERED_WITH_ERROR = 400


class Observer(Protocol):
    """Gets one report per call; `result` is ok, error, cancelled or budget."""

    def exchange_call(
        self, account_id: str, name: str, result: str, *, duration_s: float, waited_s: float
    ) -> None:
        """Take the report; durations in seconds, the wait for the budget apart."""


class Faults(Protocol):
    """What tests put on the seam; raising from `before` is a call not made, from `after` a reply not seen."""

    async def before(self, name: str) -> None:
        """Run when the budget is granted and nothing is written."""

    async def after(self, name: str) -> None:
        """Run when the exchange has answered and nobody knows yet."""


@dataclass(slots=True)
class Seam:
    """Every exchange call of one account goes through `call`.

    `on_clock_refused` is told when the exchange finds our time stamps wrong.
    """

    account_id: str
    exchange: str
    scheduler: Scheduler
    clock: Clock
    circuit: Circuit
    faults: Faults | None = None
    observer: Observer | None = None
    on_clock_refused: Callable[[], None] | None = None

    async def call(
        self,
        name: str,
        kind: CallClass,
        cost: float,
        func: Callable[[], Awaitable[T]],
        *,
        record: WireRecord,
        timeout_s: float,
        budget_until: float | None = None,
        sound: Callable[[T], bool] | None = None,
    ) -> T:
        """Make one call: wait for its budget (until `budget_until`, monotonic), then at most `timeout_s`.

        Raises BudgetExceededError, TimeoutError, whatever `func` raises. `record` keeps what was written
        and answered, whichever way it ends. `sound` tells whether an answer is one at all.
        """
        began = self.clock.monotonic()
        sent_at: float | None = None
        result = "error"
        try:
            await self.scheduler.take(kind, cost, began + timeout_s if budget_until is None else budget_until)
            sent_at = record.granted_at = self.clock.monotonic()
            if self.faults is not None:
                await self.faults.before(name)
            with recording(record):
                async with asyncio.timeout(timeout_s):
                    answer = await func()
            if self.faults is not None:
                await self.faults.after(name)
            result = "ok"
        except BudgetExceededError:
            result = "budget"
            raise
        except asyncio.CancelledError:
            result = "cancelled"
            raise
        except Exception as error:  # whatever it is, it goes on: only how the exchange is doing is noted
            self._judge(name, kind, record, error)
            raise
        else:
            self._judge(name, kind, record, None if sound is None or sound(answer) else Cause.UNREADABLE)
            return answer
        finally:
            self._learn(record)
            if self.observer is not None:
                ended = self.clock.monotonic()
                went = ended if sent_at is None else sent_at
                self.observer.exchange_call(
                    self.account_id, name, result, duration_s=ended - went, waited_s=went - began
                )

    def _learn(self, record: WireRecord) -> None:
        if record.status is None:
            return
        code = self._code(record)
        self.scheduler.observe(record.status, code, record.headers)
        if code == _CLOCK_REFUSED and self.exchange == "binance" and self.on_clock_refused is not None:
            self.on_clock_refused()

    def _judge(
        self, name: str, kind: CallClass, record: WireRecord, trouble: Exception | Cause | None
    ) -> None:
        """Tell the circuit how the exchange is doing, by what was answered rather than by what was raised."""
        write = kind in {CallClass.ORDER, CallClass.CANCEL}
        if record.status is None:
            if isinstance(trouble, Exception) and (record.written or _of_the_network(trouble)):
                self.circuit.failed(Cause.UNREACHABLE, f"{name}: {type(trouble).__name__}", write=write)
            return
        code = self._code(record)
        pause_s = retry_after_s(record.status, record.headers)
        if pause_s is not None:
            self.circuit.told_to_wait(pause_s, f"{name}: {record.status} {code}".rstrip())
            return
        cause = cause_of(self.exchange, record.status, record.body, code)
        if isinstance(trouble, Cause):
            cause = cause or trouble
        if cause is None:
            self.circuit.succeeded(write=write, probe=name == _PROBE)
        else:
            self.circuit.failed(cause, f"{name}: {record.status} {code}".rstrip(), write=write)

    def _code(self, record: WireRecord) -> str:
        """Return the raw code of a refusal; what is no refusal is not parsed a second time."""
        body = record.body or ""
        if record.status is None or record.status < _ANSWERED_WITH_ERROR or len(body) > _BODY_JUDGED_MAX:
            return ""
        return raw_code(self.exchange, body)[0]


def _of_the_network(error: BaseException | None) -> bool:
    """Tell whether an error, or what caused it, is one of connections and not of our own making."""
    while error is not None:
        if isinstance(error, OSError | aiohttp.ClientError):
            return True
        error = error.__cause__
    return False
