"""Reads prices: the last one, and one of the past by its minute's candle."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from engine.exchange.unified import IncompleteAnswerError, number

Call = Callable[[str, Callable[[], Awaitable[Any]]], Awaitable[Any]]

_MINUTE_MS = 60_000
_CLOSE = 4  # a candle is time, open, high, low, close, volume


async def last_price(client: Any, call: Call, symbol: str) -> Decimal:
    """Return the price of the last trade. Raises IncompleteAnswerError if there is none."""
    price = number((await call("last_price", lambda: client.fetch_ticker(symbol))).get("last"))
    if price is None:
        raise IncompleteAnswerError(f"no trade of {symbol} yet")
    return price


async def price_at(client: Any, call: Call, symbol: str, at_ms: int) -> Decimal | None:
    """Return the close of the minute of a moment; None where the exchange tells no candle of it."""
    if not client.has.get("fetchOHLCV"):
        return None
    start_ms = at_ms - at_ms % _MINUTE_MS
    rows = await call("price_at", lambda: client.fetch_ohlcv(symbol, "1m", start_ms, 1))
    return next((number(row[_CLOSE]) for row in rows if int(row[0]) == start_ms), None)
