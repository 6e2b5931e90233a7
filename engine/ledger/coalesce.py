"""Concurrent calls of one hot function become array calls; an idle function is called at once."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger.translation import EFFECT_NONE, EFFECT_UNKNOWN
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics

Item = dict[str, Any]
ArrayCall = Callable[[str, UUID, list[Item], float], Awaitable[list[Item]]]


@dataclass(eq=False, slots=True)
class _Waiting:
    item: Item
    deadline: float
    due: float  # the deadline by the loop's own time
    answer: asyncio.Future[Item]
    sent: bool = False


@dataclass(slots=True)
class _Lane:
    """The calls of one function and tenant: one array call in flight, the rest queues."""

    queue: deque[_Waiting] = field(default_factory=deque)
    runner: asyncio.Task[None] | None = None


class Coalescer:
    """The next batch is whatever queued while the last call ran: no delay is ever added."""

    def __init__(self, call: ArrayCall, metrics: Metrics, clock: Clock, items_max: int) -> None:
        self._call = call
        self._clock = clock
        self._items_max = items_max
        self._batch_size = metrics.coalescer_batch_size_items
        self._lanes: dict[tuple[str, UUID], _Lane] = {}
        self._waiting: set[_Waiting] = set()
        self._timer: asyncio.TimerHandle | None = None  # one for all who wait: each would pay for its own

    async def submit(self, function: str, tenant_id: UUID, item: Item, deadline: float) -> Item:
        """Return the result of one item; a cancelled caller withdraws it only if it is not sent yet."""
        loop = asyncio.get_running_loop()
        due = loop.time() + deadline - self._clock.monotonic()
        waiting = _Waiting(item, deadline, due, loop.create_future())
        key = (function, tenant_id)
        lane = self._lanes.setdefault(key, _Lane())
        lane.queue.append(waiting)
        if lane.runner is None:
            lane.runner = asyncio.create_task(self._run(key, lane), name=f"coalesce {function}")
        self._waiting.add(waiting)
        if self._timer is None or due < self._timer.when():
            self._arm(due)
        try:
            return await waiting.answer
        except TimeoutError as error:
            effect = EFFECT_UNKNOWN if waiting.sent else EFFECT_NONE
            raise HoldfastError(
                ErrorCode.DATABASE_UNAVAILABLE, function=function, effect=effect, cause="past its deadline"
            ) from error
        finally:
            self._waiting.discard(waiting)

    def _arm(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(due, self._expire)

    def _expire(self) -> None:
        """Give up whoever is past its deadline, and come again for the next; left alone if nobody waits."""
        self._timer = None
        now = asyncio.get_running_loop().time()
        for waiting in self._waiting:
            if waiting.due <= now:
                _fail(waiting, TimeoutError())
        later = [waiting.due for waiting in self._waiting if waiting.due > now]
        if later:
            self._arm(min(later))

    async def _run(self, key: tuple[str, UUID], lane: _Lane) -> None:
        batch: list[_Waiting] = []
        try:
            while batch := self._next(lane):
                await self._send(key, batch)
        except BaseException as error:  # noqa: BLE001 - every caller gets it, and nobody awaits the runner
            for waiting in (*batch, *lane.queue):
                _fail(waiting, error)
            lane.queue.clear()
        finally:
            lane.runner = None
            if not lane.queue:
                self._lanes.pop(key, None)

    def _next(self, lane: _Lane) -> list[_Waiting]:
        batch: list[_Waiting] = []
        while lane.queue and len(batch) < self._items_max:
            waiting = lane.queue.popleft()
            if not waiting.answer.done():  # its caller may have gone
                waiting.sent = True
                batch.append(waiting)
        return batch

    async def _send(self, key: tuple[str, UUID], batch: list[_Waiting]) -> None:
        function, tenant_id = key
        self._batch_size.labels(function).observe(len(batch))
        items = [waiting.item for waiting in batch]
        try:
            results = await self._call(function, tenant_id, items, max(each.deadline for each in batch))
        except HoldfastError as error:
            if len(batch) == 1:
                _fail(batch[0], error)
                return
            # One item's fault, or a commit that failed: each stands for itself. All are idempotent.
            for waiting in batch:
                await self._send(key, [waiting])
        else:
            for waiting, result in zip(batch, results, strict=True):
                if not waiting.answer.done():
                    waiting.answer.set_result(result)


def _fail(waiting: _Waiting, error: BaseException) -> None:
    if waiting.answer.done():
        return
    if isinstance(error, asyncio.CancelledError):
        waiting.answer.cancel()
    else:
        waiting.answer.set_exception(error)
