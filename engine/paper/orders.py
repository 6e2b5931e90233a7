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

    def fee_of(self, buy: bool) -> tuple[int, str]:
        if buy:
            return self.buyer_fee, self.buyer_fee_asset
        return self.seller_fee, self.seller_fee_asset
