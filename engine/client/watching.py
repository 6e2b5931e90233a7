"""Orders of a profile whenever one of them has changed, told by the feed."""

import asyncio
from collections import OrderedDict
from contextlib import aclosing
from datetime import datetime

from engine.client.errors import AnswerError, RobotError
from engine.client.feed import Event, Feed, Snapshot
from engine.client.reading import Reader
from engine.client.values import Order

_NEWEST = 50
_OPEN_MAX = 10_000
_ENDED_KEPT_MAX = 1_000
_AT_ONCE = 8

Figures = tuple[object, ...]


class Watch:
    """The feed says which orders have changed, a read says how they are now; each state is told once.

    It listens from the first `changed` until `close`, also between two calls: what happened then is told by
    the next one. Over lost connections and restarts the feed goes on where it was.
    """

    def __init__(self, reader: Reader, feed: Feed, profile: str, symbol: str | None) -> None:
        self._reader = reader
        self._feed = feed
        self._profile = profile
        self._symbol = symbol
        self._listening: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._begun = False
        self._since: datetime | None = None  # Holdfast's clock when the first snapshot was taken
        self._changed: set[str] = set()  # orders of which something happened that was not looked at yet
        self._relist = False
        self._found: list[Order] = []  # looked at and not told yet
        self._told: dict[str, Figures] = {}  # orders that were not finished when they were told
        self._ended: OrderedDict[str, Figures] = OrderedDict()

    async def changed(self) -> list[Order]:
        """Wait until an order has changed; the first time, tell at once what is not finished.

        Raises AnswerError, NoAnswerError; what happened meanwhile is then told by the next call.
        """
        listening = self._listening or asyncio.create_task(self._listen(), name="holdfast watch")
        self._listening = listening
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self._look()
                if listening.done():
                    self._listening = None
                    listening.result()
            except BaseException:
                self._news.set()  # there is still something to look at
                raise
            first = not self._begun and self._since is not None
            self._begun = self._begun or first
            found, self._found = self._found, []
            if found or first:
                return found

    async def close(self) -> None:
        """Listen no more."""
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _listen(self) -> None:
        """Note which orders something happened to. Ends with what refuses the feed."""
        try:
            async with aclosing(self._feed.follow(None, [self._profile])) as feed:
                async for told in feed:
                    self._note(told)
        finally:
            self._news.set()

    def _note(self, told: Snapshot | Event) -> None:
        if isinstance(told, Snapshot):
            self._changed |= {order["id"] for order in told.body["orders"] if self._wants(order["symbol"])}
            self._changed |= self._told.keys()
            self._relist = self._since is not None
            self._since = self._since or datetime.fromisoformat(told.body["at"])
        elif told.body["order_id"] is not None and self._wants(told.body["data"].get("symbol")):
            self._changed.add(told.body["order_id"])
        else:
            return
        self._news.set()

    def _wants(self, symbol: str | None) -> bool:
        return self._symbol is None or symbol is None or symbol == self._symbol

    async def _look(self) -> None:
        """Read every order that may have changed; what cannot be read is read by the next call."""
        if self._relist and self._since is not None:  # no event will tell what happened in between
            newest = await self._reader.orders(self._profile, self._symbol, is_open=None, limit=_NEWEST)
            since = self._since
            self._changed |= {o.id for o in newest if datetime.fromisoformat(o.updated_at) >= since}
            self._relist = False
        some = asyncio.Semaphore(_AT_ONCE)

        async def read(order_id: str) -> None:
            async with some:
                await self._read(order_id)

        try:
            async with asyncio.TaskGroup() as group:
                for order_id in sorted(self._changed):
                    group.create_task(read(order_id))
        except ExceptionGroup as failed:
            raise _first(failed) from None
        self._found.sort(key=lambda order: order.id)  # ids are ordered by time

    async def _read(self, order_id: str) -> None:
        self._changed.discard(order_id)  # first: what happens while it is read is looked at again
        try:
            order = await self._reader.order(order_id)
        except BaseException as error:
            if isinstance(error, AnswerError) and error.code == "NOT_FOUND":
                self._told.pop(order_id, None)  # the database was restored to a time before it
                return
            self._changed.add(order_id)
            raise
        if self._is_new(order):
            self._found.append(order)

    def _is_new(self, order: Order) -> bool:
        """Whether it is not as it was told; it counts as told from now on."""
        before, now = self._told.get(order.id) or self._ended.get(order.id), _figures(order)
        if now == before or not self._wants(order.symbol):
            return False
        self._told.pop(order.id, None)
        self._ended.pop(order.id, None)
        (self._ended if order.finished else self._told)[order.id] = now
        while len(self._ended) > _ENDED_KEPT_MAX:
            self._ended.popitem(last=False)
        return True


def _figures(order: Order) -> Figures:
    return (order.state, order.status, order.filled_quantity, order.cancel_requested)


def _first(failed: ExceptionGroup[Exception]) -> Exception:
    """Return the robot's error out of those of a group, or whatever else it is."""
    return next((error for error in failed.exceptions if isinstance(error, RobotError)), failed.exceptions[0])
