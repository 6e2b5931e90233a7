"""Who may call the exchange when: one budget per account, and the money's calls before the curious ones."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum

from engine.exchange.circuit import retry_after_s
from engine.exchange.tiers import Limits


class CallClass(IntEnum):
    """Endpoint classes, the most urgent first."""

    CANCEL = 0
    ORDER = 1
    TIMER = 2  # the exchange's own: a late renewal cancels everything, so no pass comes before it
    RECONCILIATION = 3
    MARKET_DATA = 4


# The share of the weight that a class leaves to the more urgent ones.
_LEFT_TO_OTHERS: Mapping[CallClass, float] = {
    CallClass.CANCEL: 0.0,
    CallClass.ORDER: 0.0,
    CallClass.TIMER: 0.0,
    CallClass.RECONCILIATION: 0.2,
    CallClass.MARKET_DATA: 0.4,
}
_ORDER_COUNT_CODE = "-1015"  # Binance: too many new orders, while the weight is in order


class BudgetExceededError(Exception):
    """The budget does not allow the call before its deadline; nothing was sent."""


@dataclass(slots=True)
class _Bucket:
    """Tokens that come back evenly; `level` may be below zero after calls that do not wait.

    `limit` is the whole account's, `capacity` the part of it that may be used here.
    """

    limit: float
    window_s: float
    level: float
    at: float
    capacity: float = field(init=False)

    def __post_init__(self) -> None:
        self.capacity = self.limit

    def share(self, part: float) -> None:
        before, self.capacity = self.capacity, self.limit * part
        self.level *= self.capacity / before

    def refill(self, now: float) -> None:
        self.level = min(self.capacity, self.level + (now - self.at) * self.capacity / self.window_s)
        self.at = now

    def wait_s(self, cost: float, floor: float) -> float:
        """Return when `cost` can be taken so that `floor` stays, in seconds; at most until it is full."""
        missing = min(cost + floor, self.capacity) - self.level
        return max(0.0, missing * self.window_s / self.capacity)


@dataclass(slots=True)
class _Waiter:
    kind: CallClass
    cost: float
    deadline: float
    granted: asyncio.Future[None]


class Scheduler:
    """Budget of one exchange account. `monotonic` and `sleep` are parameters, so that tests own the time.

    Within a class it is first come, first served; a more urgent class goes first; nobody overtakes by
    being cheap. Cancels never wait, not even in a pause that the exchange asked for: they only lower
    what is left for the others. Several processes may share an account: each keeps to its part of it.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        share: float = 1.0,
    ) -> None:
        now = monotonic()
        self._monotonic = monotonic
        self._sleep = sleep
        self._weight = _Bucket(limits.weight, limits.weight_window_s, limits.weight, now)
        self._orders = _Bucket(limits.orders, limits.orders_window_s, limits.orders, now)
        self._weight.share(share)
        self._orders.share(share)
        self._waiting: dict[CallClass, deque[_Waiter]] = {kind: deque() for kind in CallClass}
        self._paused_until = dict.fromkeys(CallClass, now)
        self._changed = asyncio.Event()
        self._pump_task: asyncio.Task[None] | None = None
        self._spent = dict.fromkeys(CallClass, 0.0)
        self.accounts = 1  # that call from here: an exchange counts the weight of an address, not of a key

    async def take(self, kind: CallClass, cost: float, deadline: float) -> None:
        """Wait for the right to call, at most until `deadline` (monotonic seconds).

        Raises BudgetExceededError at the deadline, or at once if it cannot be met.
        """
        if kind is CallClass.CANCEL:
            self._refill()
            self._charge(kind, cost)
            return
        self._refill()
        if not any(self._waiting[other] for other in CallClass if other <= kind):
            wait_s = self._wait_s(kind, cost)
            if wait_s <= 0:
                self._charge(kind, cost)
                return
            if self._monotonic() + wait_s > deadline:
                raise BudgetExceededError(f"the exchange budget is free in {wait_s:.3f} s at the earliest")
        waiter = _Waiter(kind, cost, deadline, asyncio.get_running_loop().create_future())
        self._waiting[kind].append(waiter)
        self._wake()
        try:
            await waiter.granted
        except asyncio.CancelledError:
            with suppress(ValueError):
                self._waiting[kind].remove(waiter)
            self._wake()
            raise

    def observe(self, status: int | None, code: str, headers: Mapping[str, str]) -> None:
        """Learn from an answer what is used up, and whether the exchange asked for a pause."""
        self._refill()
        lower = {name.lower(): value for name, value in headers.items()}
        _align(self._weight, lower.get("x-mbx-used-weight-1m"))
        _align(self._orders, lower.get("x-mbx-order-count-10s"))
        pause_s = retry_after_s(status, headers)
        if pause_s is not None:
            kinds = (CallClass.ORDER,) if code == _ORDER_COUNT_CODE else tuple(CallClass)
            until = self._monotonic() + pause_s
            for kind in kinds:
                self._paused_until[kind] = max(self._paused_until[kind], until)
            self._wake()

    def set_share(self, *, orders: float, weight: float) -> None:
        """Keep to a part of the account's limits, others use the rest.

        What is unused of it shrinks and grows alike: who takes an account over must read it at once. What
        the one before used up of a larger part, the exchange's next answer tells.
        """
        self._refill()
        self._orders.share(orders)
        self._weight.share(weight)
        self._wake()

    def paused_s(self, kind: CallClass) -> float:
        """Return for how long the exchange asked this class to stay away."""
        return max(0.0, self._paused_until[kind] - self._monotonic())

    def waiting(self) -> int:
        """Return how many calls wait."""
        return sum(len(queue) for queue in self._waiting.values())

    def spent(self, kind: CallClass) -> float:
        """Return the weight that a class has used since the start."""
        return self._spent[kind]

    def share_s(self, weight: float, share: float) -> float:
        """Return how long it takes until a share of what comes back makes up for a weight, in seconds.

        All accounts that call from here have the share together.
        """
        return weight * self.accounts * self._weight.window_s / (self._weight.capacity * share)

    async def close(self) -> None:
        """Refuse all who wait."""
        for queue in self._waiting.values():
            while queue:
                _refuse(queue.popleft(), "the gateway is closed")
        if self._pump_task is not None:
            self._pump_task.cancel()
            with suppress(asyncio.CancelledError):
                await self._pump_task

    def _refill(self) -> None:
        now = self._monotonic()
        self._weight.refill(now)
        self._orders.refill(now)

    def _wait_s(self, kind: CallClass, cost: float) -> float:
        floor = _LEFT_TO_OTHERS[kind] * self._weight.capacity
        wait_s = max(self._weight.wait_s(cost, floor), self.paused_s(kind))
        if kind is CallClass.ORDER:
            wait_s = max(wait_s, self._orders.wait_s(1, 0))
        return wait_s

    def _charge(self, kind: CallClass, cost: float) -> None:
        self._weight.level -= cost
        self._spent[kind] += cost
        if kind is CallClass.ORDER:
            self._orders.level -= 1

    def _wake(self) -> None:
        self._changed.set()
        if self.waiting() and (self._pump_task is None or self._pump_task.done()):
            self._pump_task = asyncio.get_running_loop().create_task(self._pump())

    async def _pump(self) -> None:
        """Grant and expire in order while anybody waits; ends when nobody does."""
        while self.waiting():
            self._changed.clear()
            self._expire()
            wait_s = self._grant()
            if not self.waiting():
                return
            timer = asyncio.ensure_future(self._sleep(max(wait_s, 0.001)))
            change = asyncio.ensure_future(self._changed.wait())
            try:
                await asyncio.wait({timer, change}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                timer.cancel()
                change.cancel()

    def _expire(self) -> None:
        now = self._monotonic()
        for queue in self._waiting.values():
            for waiter in [waiter for waiter in queue if waiter.deadline <= now]:
                queue.remove(waiter)
                _refuse(waiter, "the budget was not free before the deadline")

    def _grant(self) -> float:
        """Grant whoever may go now, and return when to look again, in seconds."""
        self._refill()
        now = self._monotonic()
        look_again_s = float("inf")
        for kind, queue in self._waiting.items():
            while queue:
                wait_s = self._wait_s(kind, queue[0].cost)
                if wait_s > 0:
                    look_again_s = min(look_again_s, wait_s)
                    break
                waiter = queue.popleft()
                if not waiter.granted.done():
                    self._charge(kind, waiter.cost)
                    waiter.granted.set_result(None)
            if queue and self._weight.wait_s(queue[0].cost, 0) > 0:
                break  # what comes back belongs to the more urgent class first
        deadlines = [waiter.deadline - now for queue in self._waiting.values() for waiter in queue]
        return min([look_again_s, *deadlines])


def _align(bucket: _Bucket, used: str | None) -> None:
    """Lower our own count to what the exchange says is used; never raise it: answers arrive late."""
    if used is not None and used.isascii() and used.isdigit():
        bucket.level = min(bucket.level, bucket.limit - int(used))


def _refuse(waiter: _Waiter, why: str) -> None:
    if not waiter.granted.done():
        waiter.granted.set_exception(BudgetExceededError(why))
