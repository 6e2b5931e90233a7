"""The four things that can be known after a send; nothing else is ever concluded from one."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution as the exchange reports it; identity is (account, symbol, exchange ids).

    `quantity` is in base units, `price` in quote per base, `fee_quantity` in units of `fee_asset`
    (negative: a rebate; None with fee_asset None: the exchange has not said yet).
    """

    symbol: str
    exchange_order_id: str
    exchange_trade_id: str
    side: str  # "buy" | "sell"
    price: Decimal
    quantity: Decimal
    fee_quantity: Decimal | None
    fee_asset: str | None
    exchange_time: datetime
    client_order_id: str | None = None
    maker: bool | None = None


@dataclass(frozen=True, slots=True)
class OrderReport:
    """An order as the exchange reports it. `filled_quantity` None: the exchange did not say.

    `price` is the limit, `average_price` that of what was filled.
    """

    symbol: str
    exchange_order_id: str
    client_order_id: str | None
    status: str | None  # "open" | "filled" | "canceled" | "expired" | "rejected" | None: not said
    side: str | None
    quantity: Decimal | None
    filled_quantity: Decimal | None
    price: Decimal | None
    exchange_time: datetime | None
    fills: tuple[Fill, ...] = ()
    raw: dict[str, Any] = field(default_factory=dict)
    average_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """The exchange confirmed the order."""

    report: OrderReport


@dataclass(frozen=True, slots=True)
class Refused:
    """The exchange refused it with a code that the allow-list names as definitive."""

    exchange_code: str
    message: str
    raw: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NotSent:
    """It never left this process; only the living sender can know that."""

    reason: str


@dataclass(frozen=True, slots=True)
class InDoubt:
    """It was sent, or may have been; nothing more is known."""

    reason: str
    raw: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Canceled:
    """The exchange took the cancel; the report says how the order stands, if the exchange does.

    Only a terminal status is the end of the order: some exchanges cancel after they have answered.
    """

    report: OrderReport


@dataclass(frozen=True, slots=True)
class NotFound:
    """The exchange has no such *open* order. It proves nothing: the order may have filled, so look."""

    exchange_code: str
    message: str


SendOutcome = Placed | Refused | NotSent | InDoubt
CancelOutcome = Canceled | NotFound | Refused | NotSent | InDoubt


@dataclass(frozen=True, slots=True)
class Balance:
    """What an exchange account holds of one asset: total = free + used (in open orders)."""

    free: Decimal
    used: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True)
class Quote:
    """Best prices of a symbol and when they were true, in the exchange's clock; None: that side is empty."""

    symbol: str
    bid: Decimal | None
    ask: Decimal | None
    at_ms: int
