"""The one way out to an exchange: budget, deadline, injected faults and measurements of every call."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from engine.exchange.outcome_table import raw_code
from engine.exchange.scheduler import BudgetExceededError, CallClass, Scheduler
from engine.exchange.wire import WireRecord, recording
from engine.runtime.clock import Clock

T = TypeVar("T")


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
    """Every exchange call of one account goes through `call`."""

    account_id: str
    exchange: str
    scheduler: Scheduler
    clock: Clock
    faults: Faults | None = None
    observer: Observer | None = None

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
    ) -> T:
        """Make one call: wait for its budget (until `budget_until`, monotonic), then at most `timeout_s`.

        Raises BudgetExceededError, TimeoutError, whatever `func` raises. `record` keeps what was written
        and answered, whichever way it ends.
        """
        began = self.clock.monotonic()
        sent_at: float | None = None
        result = "error"
        try:
            await self.scheduler.take(kind, cost, began + timeout_s if budget_until is None else budget_until)
            sent_at = self.clock.monotonic()
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
        else:
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
        code = raw_code(self.exchange, record.body or "")[0] if record.status in (418, 429) else ""
        self.scheduler.observe(record.status, code, record.headers)
