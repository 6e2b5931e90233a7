"""Orders of a profile whenever one of them has changed."""

from engine.client.pace import Pace
from engine.client.reading import Reader
from engine.client.values import Order

_NEWEST = 50
_OPEN_MAX = 10_000


class Watch:
    """Compares what Holdfast shows with what was told before. An order that ends is told once more."""

    def __init__(self, reader: Reader, pace: Pace, profile: str, symbol: str | None, every_s: float) -> None:
        self._reader = reader
        self._pace = pace
        self._profile = profile
        self._symbol = symbol
        self._every_s = every_s
        self._told: dict[str, tuple[object, ...]] = {}  # orders that were not finished when they were told
        self._newest = ""

    async def changed(self) -> list[Order]:
        """Wait until an order has changed; the first time, tell at once what is not finished."""
        first = not self._newest
        while True:
            found = await self._look(first)
            if found or first:
                return found
            await self._pace.sleep(self._every_s)

    async def _look(self, first: bool) -> list[Order]:
        newest = await self._reader.orders(self._profile, self._symbol, is_open=None, limit=_NEWEST)
        living = await self._reader.orders(self._profile, self._symbol, is_open=True, limit=_OPEN_MAX)
        shown = {order.id: order for order in [*newest, *living]}
        for order_id in self._told.keys() - shown.keys():
            shown[order_id] = await self._reader.order(order_id)
        changed = [shown[order_id] for order_id in sorted(shown) if self._is_new(shown[order_id], first)]
        self._newest = max([self._newest, *shown], default="") or "0"  # ids are ordered by time
        for order in changed:
            self._told[order.id] = _figures(order)
            if order.finished:
                del self._told[order.id]
        return changed

    def _is_new(self, order: Order, first: bool) -> bool:
        if order.id in self._told:
            return self._told[order.id] != _figures(order)
        return not order.finished if first else order.id > self._newest or not order.finished


def _figures(order: Order) -> tuple[object, ...]:
    return (order.state, order.status, order.filled_quantity, order.cancel_requested)
