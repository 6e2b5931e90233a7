"""Reads prices: the last one, and those of the past by their minutes' candles."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from engine.exchange.unified import IncompleteAnswerError, number

Call = Callable[[str, Callable[[], Awaitable[Any]]], Awaitable[Any]]

_MINUTE_MS = 60_000
_CLOSE = 4  # a candle is time, open, high, low, close, volume
_CANDLES = 500


async def last_price(client: Any, call: Call, symbol: str) -> Decimal:
    """Return the price of the last trade. Raises IncompleteAnswerError if there is none."""
    price = number((await call("last_price", lambda: client.fetch_ticker(symbol))).get("last"))
    if price is None:
        raise IncompleteAnswerError(f"no trade of {symbol} yet")
    return price


async def minute_closes(client: Any, call: Call, symbol: str, since_ms: int) -> dict[int, Decimal]:
    """Return the closes of the minutes from a moment's on, by their starts in ms; empty if none is told."""
    if not client.has.get("fetchOHLCV"):
        return {}
    start_ms = since_ms - since_ms % _MINUTE_MS
    rows = await call("minute_closes", lambda: client.fetch_ohlcv(symbol, "1m", start_ms, _CANDLES))
    closes = {int(row[0]): number(row[_CLOSE]) for row in rows}
    return {at_ms: close for at_ms, close in closes.items() if close is not None and at_ms >= start_ms}
