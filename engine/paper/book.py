"""One symbol's order book in price-time priority."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.paper.orders import Order


class Side:
    """Resting orders of one side; the best price comes first in `_ranks`."""

    def __init__(self, bids: bool) -> None:
        # A rank sorts best first on both sides: the price for asks, the negative price for bids.
        self._sign = -1 if bids else 1
        self._ranks: list[int] = []
        self._levels: dict[int, dict[int, Order]] = {}

    def best(self) -> int | None:
        return self._ranks[0] * self._sign if self._ranks else None

    def crosses(self, limit: int) -> bool:
        """Tell whether an order of the other side with this limit would trade now."""
        return bool(self._ranks) and self._ranks[0] <= limit * self._sign

    def first(self) -> "Order":
        """Give the order that trades next; the side must not be empty."""
        return next(iter(self._levels[self._ranks[0]].values()))

    def add(self, order: "Order") -> None:
        rank = order.price * self._sign
        level = self._levels.get(rank)
        if level is None:
            level = self._levels[rank] = {}
            insort(self._ranks, rank)
        level[order.id] = order

    def remove(self, order: "Order") -> None:
        rank = order.price * self._sign
        level = self._levels[rank]
        del level[order.id]
        if not level:
            del self._levels[rank]
            del self._ranks[bisect_left(self._ranks, rank)]

    def walk(self) -> Iterator["Order"]:
        """All orders, best first, oldest first within a price."""
        for rank in self._ranks:
            yield from self._levels[rank].values()

    def levels(self, limit: int) -> list[tuple[int, int]]:
        """Price and quantity of the best levels."""
        return [
            (rank * self._sign, sum(order.quantity - order.filled for order in self._levels[rank].values()))
            for rank in self._ranks[:limit]
        ]

    def quantity_at(self, price: int) -> int:
        level = self._levels.get(price * self._sign)
        return sum(order.quantity - order.filled for order in level.values()) if level else 0


class Book:
    """Both sides, and what changed since the last depth event."""

    def __init__(self) -> None:
        self.bids = Side(bids=True)
        self.asks = Side(bids=False)
        self.update_id = 1
        self.published_id = 1
        self.dirty: set[tuple[bool, int]] | None = None

    def side(self, buy: bool) -> Side:
        return self.bids if buy else self.asks

    def touch(self, buy: bool, price: int) -> None:
        """Note that a level changed."""
        self.update_id += 1
        if self.dirty is not None:
            self.dirty.add((buy, price))
