"""Passes what happens in matching on to the public and the private streams."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.paper.accounts import Account
    from engine.paper.market_streams import MarketStreams
    from engine.paper.orders import Execution, Order
    from engine.paper.user_streams import UserStreams


class Streams:
    """The one listener of the matching engine."""

    def __init__(self, public: "MarketStreams", private: "UserStreams") -> None:
        self._public = public
        self._private = private

    def reported(self, order: "Order", kind: str, execution: "Execution | None", cancel_id: str) -> None:
        self._private.reported(order, kind, execution, cancel_id)

    def moved(self, account: "Account", assets: set[str], time_ms: int) -> None:
        self._private.moved(account, assets, time_ms)

    def traded(self, execution: "Execution") -> None:
        self._public.traded(execution)

    def book_changed(self, symbol: str) -> None:
        self._public.book_changed(symbol)
