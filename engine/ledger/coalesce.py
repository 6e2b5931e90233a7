"""Concurrent calls of one hot function become array calls; an idle function is called at once."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger.translation import EFFECT_NONE, EFFECT_UNKNOWN
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics

Item = dict[str, Any]
ArrayCall = Callable[[str, UUID, list[Item], float], Awaitable[list[Item]]]

_PARTS_MAX = 4  # a crowd is parted into no less than this part of what a call takes


@dataclass(eq=False, slots=True)
class _Waiting:
    item: Item
    deadline: float
    due: float  # the deadline by the loop's own time
    answer: asyncio.Future[Item]
    sent: bool = False


@dataclass(slots=True)
class _Lane:
    """The calls of one function and tenant: one or two array calls in flight, the rest queues."""

    calls_max: int
    queue: deque[_Waiting] = field(default_factory=deque)
    calls: set[asyncio.Task[None]] = field(default_factory=set)
    in_flight: int = 0  # items of those calls


class Coalescer:
    """The next batch is whatever queued while the last call ran: no delay is ever added.

    Of the functions `side_by_side` two array calls may be in flight for a tenant, so that Python builds and
    reads one while the database works on the other. An item may then overtake one that was asked for before
    it: only for functions whose callers know nothing of each other.
    """

    def __init__(
        self,
        call: ArrayCall,
        metrics: Metrics,
        clock: Clock,
        items_max: int,
        side_by_side: Collection[str] = (),
    ) -> None:
        self._call = call
        self._clock = clock
        self._items_max = items_max
        self._side_by_side = side_by_side
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
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Lane(2 if function in self._side_by_side else 1)
        lane.queue.append(waiting)
        if len(lane.calls) < lane.calls_max:
            self._start(key, lane)
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

    def _start(self, key: tuple[str, UUID], lane: _Lane) -> None:
        task = asyncio.create_task(self._run(key, lane), name=f"coalesce {key[0]}")
        lane.calls.add(task)
        task.add_done_callback(partial(self._ended, key, lane))  # also of one cancelled before it began

    def _ended(self, key: tuple[str, UUID], lane: _Lane, task: asyncio.Task[None]) -> None:
        """Let the next call go; whoever was answered by the last one and asked again at once is in it."""
        lane.calls.discard(task)
        if lane.queue:
            self._start(key, lane)
        elif not lane.calls:
            del self._lanes[key]

    async def _run(self, key: tuple[str, UUID], lane: _Lane) -> None:
        batch = self._next(lane)
        lane.in_flight += len(batch)
        try:
            if batch:
                await self._send(key, batch)
        except BaseException as error:  # noqa: BLE001 - its callers get it, and nobody awaits the task
            for waiting in batch:
                _fail(waiting, error)
        finally:
            lane.in_flight -= len(batch)

    def _next(self, lane: _Lane) -> list[_Waiting]:
        items_max = self._items_max
        if lane.calls_max > 1:
            # Two calls of one size keep both sides at work. Small ones do not pay: a call costs the database
            # as much as ten items, whatever is in it.
            half = (len(lane.queue) + lane.in_flight + 1) // 2
            items_max = min(items_max, max(half, items_max // _PARTS_MAX))
        batch: list[_Waiting] = []
        while lane.queue and len(batch) < items_max:
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
