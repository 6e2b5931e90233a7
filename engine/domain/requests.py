"""What is handed to the exchange: one order, with everything that bounds when it may still be sent."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Side = Literal["buy", "sell"]
OrderType = Literal["limit", "market"]
TimeInForce = Literal["GTC", "IOC", "FOK"]


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """One order to be sent once.

    `signed_at_ms` is the moment signed into the request, in the exchange's clock; with `valid_for_ms`
    it makes the exchange refuse a late arrival. `send_before_monotonic` is the last moment for the
    write, in seconds of this process' monotonic clock.
    """

    symbol: str
    side: Side
    type: OrderType
    quantity: Decimal
    limit_price: Decimal | None
    time_in_force: TimeInForce
    post_only: bool
    client_order_id: str
    signed_at_ms: int
    valid_for_ms: int
    send_before_monotonic: float

    @property
    def exchange_deadline_ms(self) -> int:
        """When the exchange stops accepting the request, in its own clock."""
        return self.signed_at_ms + self.valid_for_ms
