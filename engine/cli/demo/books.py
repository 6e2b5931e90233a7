"""Two sets of books in one form, the ledger's and the exchange's, and every difference between them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any

from engine.domain.money import ZERO, to_text

_DIGITS = 24


@dataclass(frozen=True, slots=True)
class BookedOrder:
    """What both sides must say of one order; quantities in base units."""

    client_order_id: str
    side: str
    status: str
    quantity: Decimal
    filled_quantity: Decimal


@dataclass(frozen=True, slots=True)
class BookedFill:
    """What both sides must say of one fill; the fee is in units of its asset."""

    side: str
    price: Decimal
    quantity: Decimal
    fee_quantity: Decimal
    fee_asset: str | None


OrderKey = tuple[str, str]  # symbol, exchange order id
FillKey = tuple[str, str, str]  # symbol, exchange order id, exchange trade id


@dataclass(frozen=True, slots=True)
class Books:
    """All orders, fills and balances of one exchange account, by the exchange's own ids."""

    orders: Mapping[OrderKey, BookedOrder] = field(default_factory=dict)
    fills: Mapping[FillKey, BookedFill] = field(default_factory=dict)
    balances: Mapping[str, Decimal] = field(default_factory=dict)

    def duplicate_orders(self) -> int:
        """Orders beyond the first that carry the same client order id: what must never happen."""
        counted = Counter(order.client_order_id for order in self.orders.values())
        return sum(count - 1 for count in counted.values())

    def open_orders(self) -> int:
        """Orders that can still trade."""
        return sum(order.status == "open" for order in self.orders.values())


@dataclass(frozen=True, slots=True)
class Difference:
    """One line on which the two sides disagree; None: that side does not have it."""

    what: str
    ledger: str | None
    exchange: str | None

    def __str__(self) -> str:
        return f"{self.what}: ledger {self.ledger or 'has none'}, exchange {self.exchange or 'has none'}"


def compare(ledger: Books, exchange: Books) -> list[Difference]:
    """Return every difference, orders first; empty: the two are equal line by line."""
    return [
        *_compare_rows("order", ledger.orders, exchange.orders),
        *_compare_rows("fill", ledger.fills, exchange.fills),
        *_compare_balances(ledger.balances, exchange.balances),
    ]


def _compare_rows(
    kind: str,
    ledger: Mapping[Any, BookedOrder] | Mapping[Any, BookedFill],
    exchange: Mapping[Any, BookedOrder] | Mapping[Any, BookedFill],
) -> list[Difference]:
    found = []
    for key in sorted({*ledger, *exchange}, key=by_number):
        name = f"{kind} {' '.join(key)}"
        here, there = ledger.get(key), exchange.get(key)
        if here is None or there is None:
            found.append(Difference(name, sentence(here), sentence(there)))
            continue
        for column in fields(here):
            left, right = getattr(here, column.name), getattr(there, column.name)
            if left != right:
                found.append(Difference(f"{name} {column.name}", _text(left), _text(right)))
    return found


def by_number(key: tuple[str, ...]) -> tuple[str, ...]:
    """Sort key of an order's or fill's ids: 9 before 10."""
    return (key[0], *(part.zfill(_DIGITS) for part in key[1:]))


def sentence(row: BookedOrder | BookedFill | None) -> str | None:
    """Say in words what a row says; None for none."""
    if row is None:
        return None
    if isinstance(row, BookedOrder):
        return f"{row.side} {to_text(row.quantity)}, {row.status}, filled {to_text(row.filled_quantity)}"
    fee = f"{to_text(row.fee_quantity)} {row.fee_asset}"
    return f"{row.side} {to_text(row.quantity)} at {to_text(row.price)}, fee {fee}"


def _text(value: object) -> str:
    return to_text(value) if isinstance(value, Decimal) else str(value)


def _compare_balances(ledger: Mapping[str, Decimal], exchange: Mapping[str, Decimal]) -> list[Difference]:
    found = []
    for asset in sorted({*ledger, *exchange}):
        here, there = ledger.get(asset, ZERO), exchange.get(asset, ZERO)
        if here != there:
            found.append(Difference(f"balance {asset}", to_text(here), to_text(there)))
    return found
