"""Remembers open orders as they were listed last, so that a row that stands is not parsed again."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from engine.domain.outcomes import OrderReport

_Key = tuple[Any, Any]  # the exchange's own symbol and order id
_REPORT = "holdfast_report"
# Where a row tells all that changes of an order, and ccxt only sorts the parsed list by time.
_PROVEN = frozenset({"binance"})


class ListedOrders:
    """A list of open orders, read again and again, of which few rows change between two reads.

    A row equal to the last one in every field says what it said, and its report stands. Parsing is most of
    what reading a long list costs, and while it goes on nothing else runs in this process.
    """

    def __init__(self, exchange: str) -> None:
        self._proven = exchange in _PROVEN
        self._reports: dict[_Key, OrderReport] = {}

    async def read(self, fetch: Callable[[str | None], Awaitable[Any]], symbol: str | None) -> Any:
        """Let ccxt fetch the list, parsing only the rows that are news."""
        token = _reading.set(self)
        try:
            return await fetch(symbol)
        finally:
            _reading.reset(token)

    def reports(
        self, rows: Sequence[Mapping[str, Any]], make: Callable[[Mapping[str, Any]], OrderReport]
    ) -> tuple[OrderReport, ...]:
        """Return the reports of a list that was read so, and remember them until the next."""
        reports = tuple([row[_REPORT] if _REPORT in row else make(row) for row in rows])
        if self._proven:
            self._reports = {_key(report.raw): report for report in reports}
        return reports

    def standing(self, raw: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return what stands for a row that has not changed; by the other fields ccxt sorts and filters."""
        report = self._reports.get(_key(raw))
        if report is None or report.raw != raw:
            return None
        return {
            "id": report.exchange_order_id,
            "symbol": report.symbol,
            "timestamp": raw.get("time"),
            "info": raw,
            _REPORT: report,
        }


_reading: ContextVar[ListedOrders | None] = ContextVar("holdfast_listed_orders", default=None)


def standing(raw: Any) -> dict[str, Any] | None:
    """Return the known form of a row of the list that this task reads, None if it has to be parsed."""
    reading = _reading.get()
    return reading.standing(raw) if reading is not None and isinstance(raw, dict) else None


def _key(raw: Mapping[str, Any]) -> _Key:
    return raw.get("symbol"), raw.get("orderId")
