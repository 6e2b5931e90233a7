"""Orders and executions as the matching engine holds them; amounts are integers of 10^-8."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.paper.accounts import Account
    from engine.paper.instruments import Instrument


class Status(StrEnum):
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A checked request for an order; zero stands for an absent price, quantity or quote quantity."""

    symbol: str
    buy: bool
    type: str
    time_in_force: str
    price: int
    quantity: int
    quote_quantity: int
    client_order_id: str
    prevention: str = "NONE"


@dataclass(frozen=True, slots=True)
class PreventedMatch:
    """Two orders of one account that would have traded; zero stands for a quantity that did not expire."""

    id: int
    symbol: str
    price: int
    taker_id: int
    maker_id: int
    taker_quantity: int
    maker_quantity: int
    mode: str
    time_ms: int

    def quantity_of(self, order_id: int) -> int:
        return self.taker_quantity if order_id == self.taker_id else self.maker_quantity

    def counterpart_of(self, order_id: int) -> int:
        return self.maker_id if order_id == self.taker_id else self.taker_id


@dataclass(slots=True, eq=False)
class Order:
    """One order; `account` None marks the outside market, whose money is not booked here."""

    id: int
    account: "Account | None"
    instrument: "Instrument"
    client_order_id: str
    buy: bool
    type: str
    time_in_force: str
    price: int
    quantity: int
    quote_quantity: int
    created_ms: int
    updated_ms: int
    filled: int = 0
    quote_filled: int = 0
    locked: int = 0
    status: Status = Status.NEW
    resting: bool = False
    prevention: str = "NONE"
    prevented: list[PreventedMatch] | None = None

    @property
    def remaining(self) -> int:
        return self.quantity - self.filled

    @property
    def open(self) -> bool:
        return self.status is Status.NEW or self.status is Status.PARTIALLY_FILLED


@dataclass(frozen=True, slots=True)
class Execution:
    """One trade between two orders, either of which may belong to the outside market."""

    id: int
    symbol: str
    price: int
    quantity: int
    quote: int
    time_ms: int
    buyer: Order
    seller: Order
    buyer_is_maker: bool
    buyer_fee: int
    buyer_fee_asset: str
    seller_fee: int
    seller_fee_asset: str
    buyer_terms: tuple[int, int]
    seller_terms: tuple[int, int]

    def fee_of(self, buy: bool) -> tuple[int, str]:
        if buy:
            return self.buyer_fee, self.buyer_fee_asset
        return self.seller_fee, self.seller_fee_asset

    def terms_of(self, buy: bool) -> tuple[int, int]:
        """The fee rate at execution and the third asset's price (0: the fee came from what was received)."""
        return self.buyer_terms if buy else self.seller_terms
