"""The shapes of public stream events: trades, books, candles and tickers."""

from typing import TYPE_CHECKING, Any

from engine.paper import render
from engine.paper.scale import text

if TYPE_CHECKING:
    from engine.paper.candles import Candle
    from engine.paper.matching import Market
    from engine.paper.orders import Execution

_WINDOWS = {"1h": 60, "4h": 240, "1d": 1440}
_AVERAGE_MINUTES = 5
# Long names of REST tickers and the letters streams have for them.
_FULL = {
    "p": "priceChange",
    "P": "priceChangePercent",
    "w": "weightedAvgPrice",
    "x": "prevClosePrice",
    "c": "lastPrice",
    "Q": "lastQty",
    "b": "bidPrice",
    "B": "bidQty",
    "a": "askPrice",
    "A": "askQty",
    "o": "openPrice",
    "h": "highPrice",
    "l": "lowPrice",
    "v": "volume",
    "q": "quoteVolume",
    "O": "openTime",
    "C": "closeTime",
    "F": "firstId",
    "L": "lastId",
    "n": "count",
}
_ROLLING = {letter: name for letter, name in _FULL.items() if letter not in "xQbBaA"}
_MINI = {letter: _FULL[letter] for letter in "cohlvq"}


def book_ticker(market: "Market") -> dict[str, Any]:
    bid, bid_quantity, ask, ask_quantity = render.best(market)
    return {
        "u": market.book.update_id,
        "s": market.instrument.symbol,
        "b": bid,
        "B": bid_quantity,
        "a": ask,
        "A": ask_quantity,
    }


def depth(market: "Market", now_ms: int) -> dict[str, Any] | None:
    """What changed since the last event; None if nothing did."""
    book = market.book
    if not book.dirty or book.update_id == book.published_id:
        return None
    changed: dict[bool, list[list[str]]] = {True: [], False: []}
    for buy, price in sorted(book.dirty):
        changed[buy].append([text(price), text(book.side(buy).quantity_at(price))])
    return {
        "e": "depthUpdate",
        "E": now_ms,
        "s": market.instrument.symbol,
        "U": book.published_id + 1,
        "u": book.update_id,
        "b": changed[True],
        "a": changed[False],
    }


def trade(execution: "Execution", kind: str) -> dict[str, Any]:
    """One trade, as `trade` or as an `aggTrade` of its own."""
    shown: dict[str, Any] = {
        "e": kind,
        "E": execution.time_ms,
        "s": execution.symbol,
        "p": text(execution.price),
        "q": text(execution.quantity),
        "T": execution.time_ms,
        "m": execution.buyer_is_maker,
        "M": True,
    }
    if kind == "trade":
        shown["t"] = execution.id
    else:
        shown.update(a=execution.id, f=execution.id, l=execution.id)
    return shown


def candle(market: "Market", interval: str, shown: "Candle", now_ms: int, *, closed: bool) -> dict[str, Any]:
    symbol = market.instrument.symbol
    return {
        "e": "kline",
        "E": now_ms,
        "s": symbol,
        "k": {
            "t": shown.start_ms,
            "T": shown.end_ms - 1,
            "s": symbol,
            "i": interval,
            "f": shown.first_id,
            "L": shown.last_id,
            "o": text(shown.open),
            "c": text(shown.close),
            "h": text(shown.high),
            "l": text(shown.low),
            "v": text(shown.volume),
            "n": shown.count,
            "x": closed,
            "q": text(shown.quote),
            "V": text(shown.taker_volume),
            "Q": text(shown.taker_quote),
            "B": "0",
        },
    }


def ticker(market: "Market", kind: str, now_ms: int) -> dict[str, Any]:
    """`ticker` and `miniTicker` of a day, `ticker_1h` and its like of a rolling window."""
    if kind.startswith("ticker_"):
        size = kind.removeprefix("ticker_")
        found = render.rolling_ticker(market, _WINDOWS[size], now_ms, full=True)
        name, letters = f"{size}Ticker", _ROLLING
    else:
        found = render.day_ticker(market, now_ms)
        name, letters = ("24hrTicker", _FULL) if kind == "ticker" else ("24hrMiniTicker", _MINI)
    head = {"e": name, "E": now_ms, "s": market.instrument.symbol}
    return {**head, **{letter: found[long] for letter, long in letters.items()}}


def average_price(market: "Market", now_ms: int) -> dict[str, Any]:
    return {
        "e": "avgPrice",
        "E": now_ms,
        "s": market.instrument.symbol,
        "i": f"{_AVERAGE_MINUTES}m",
        "w": text(market.average_price(_AVERAGE_MINUTES, now_ms)),
        "T": market.trades[-1].time_ms if market.trades else now_ms,
    }
