"""Endpoints anybody may ask: instruments, books, trades, candles and tickers."""

import re
from typing import TYPE_CHECKING, Any

from engine.paper import limits, refusals, render, tickets
from engine.paper.calls import DAY_MS
from engine.paper.candles import INTERVALS, MINUTE_MS
from engine.paper.scale import text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.paper.calls import Call
    from engine.paper.candles import Candle
    from engine.paper.matching import Market
    from engine.paper.orders import Execution

_AVERAGE_MINUTES = 5
_DEPTH_MAX = 5000
_WINDOW = re.compile(r"([1-9][0-9]?)([mhd])")
_WINDOW_UNITS = {"m": (1, 59), "h": (60, 23), "d": (24 * 60, 7)}
_UTC = {"0", "00:00", "+00:00", "-00:00", "+0", "-0"}
_SYMBOLS_MAX = 100


def ping(_: "Call") -> Any:
    return {}


def server_time(call: "Call") -> Any:
    return {"serverTime": call.matching.clock.now_ms()}


def exchange_info(call: "Call") -> Any:
    shown = [market.instrument for market in call.named_markets()]
    if "symbolStatus" in call.params:
        shown = [one for one in shown if one.wire.get("status") == call.params["symbolStatus"]]
    return {
        "timezone": "UTC",
        "serverTime": call.matching.clock.now_ms(),
        "rateLimits": limits.RATE_LIMITS,
        "exchangeFilters": [],
        "symbols": [one.wire for one in shown],
    }


def depth(call: "Call") -> Any:
    return render.depth(call.market(), call.limit(100, _DEPTH_MAX))


def weigh_depth(params: dict[str, str]) -> int:
    given = params.get("limit", "")
    rows = int(given) if given.isascii() and given.isdigit() and len(given) < 6 else 100  # noqa: PLR2004 - more is capped
    return next(weight for most, weight in ((100, 5), (500, 25), (1000, 50), (10**6, 250)) if rows <= most)


def trades(call: "Call") -> Any:
    return [render.public_trade(one) for one in call.page(list(call.market().trades), from_start=False)]


def old_trades(call: "Call") -> Any:
    """Trades from an id on, as far back as they are kept; the newest without one."""
    found = _since_id(call.market().trades, tickets.integer(call.params, "fromId"))
    return [render.public_trade(one) for one in call.page(found, from_start="fromId" in call.params)]


def aggregate_trades(call: "Call") -> Any:
    """Every trade is an aggregate of its own here."""
    start, end = tickets.integer(call.params, "startTime"), tickets.integer(call.params, "endTime")
    from_id = tickets.integer(call.params, "fromId")
    if from_id is not None and (start is not None or end is not None):
        raise refusals.bad_combination()
    found = _since_id(call.market().trades, from_id)
    if start is not None or end is not None:
        found = [one for one in found if (start or 0) <= one.time_ms and (end is None or one.time_ms <= end)]
    page = call.page(found, from_start=from_id is not None)
    return [render.aggregate_trade(one) for one in page]


def _since_id(kept: "Sequence[Execution]", from_id: int | None) -> "list[Execution]":
    found = list(kept)
    return found if from_id is None else [one for one in found if one.id >= from_id]


def candles(call: "Call") -> Any:
    """Candles as klines and uiKlines show them; both are the same here."""
    market, now_ms = call.market(), call.matching.clock.now_ms()
    interval = tickets.require(call.params, "interval")
    if interval not in INTERVALS:
        raise refusals.Refusal(-1120, "Invalid interval.")
    if call.params.get("timeZone", "0") not in _UTC:
        raise refusals.not_valid("timeZone")
    start, end = tickets.integer(call.params, "startTime"), tickets.integer(call.params, "endTime")
    last_ms = now_ms if end is None else min(end, now_ms)
    if last_ms < (start or 0):
        return []
    return [_row(one) for one in market.candles.rows(interval, start, last_ms, call.limit())]


def _row(candle: "Candle") -> list[Any]:
    return [
        candle.start_ms,
        text(candle.open),
        text(candle.high),
        text(candle.low),
        text(candle.close),
        text(candle.volume),
        candle.end_ms - 1,
        text(candle.quote),
        candle.count,
        text(candle.taker_volume),
        text(candle.taker_quote),
        "0",
    ]


def average_price(call: "Call") -> Any:
    market, now_ms = call.market(), call.matching.clock.now_ms()
    return {
        "mins": _AVERAGE_MINUTES,
        "price": text(market.average_price(_AVERAGE_MINUTES, now_ms)),
        "closeTime": market.trades[-1].time_ms if market.trades else now_ms,
    }


def day_ticker(call: "Call") -> Any:
    now_ms, full = call.matching.clock.now_ms(), _full(call)

    def shape(market: "Market") -> Any:
        shown = render.day_ticker(market, now_ms)
        return shown if full else {name: value for name, value in shown.items() if name in _MINI}

    return per_market(call, shape)


_MINI = {"symbol", "openPrice", "highPrice", "lowPrice", "lastPrice", "volume", "quoteVolume"}
_MINI |= {"openTime", "closeTime", "firstId", "lastId", "count"}


def rolling_ticker(call: "Call") -> Any:
    """Statistics of a window of minutes, hours or days, for named symbols only."""
    given = call.params.get("windowSize", "1d")
    match = _WINDOW.fullmatch(given)
    unit, most = _WINDOW_UNITS[match.group(2)] if match else (0, 0)
    if match is None or int(match.group(1)) > most:
        raise refusals.not_valid("windowSize")
    _check_named(call)
    now_ms, full, minutes = call.matching.clock.now_ms(), _full(call), unit * int(match.group(1))
    return per_market(call, lambda market: render.rolling_ticker(market, minutes, now_ms, full=full))


def trading_day_ticker(call: "Call") -> Any:
    """Statistics since midnight UTC, for named symbols only."""
    _check_named(call)
    if call.params.get("timeZone", "0") not in _UTC:
        raise refusals.not_valid("timeZone")
    now_ms, full = call.matching.clock.now_ms(), _full(call)
    minutes = now_ms % DAY_MS // MINUTE_MS + 1

    def shape(market: "Market") -> Any:
        shown = render.rolling_ticker(market, minutes, now_ms, full=full)
        return {**shown, "closeTime": shown["openTime"] + DAY_MS - 1}

    return per_market(call, shape)


def _check_named(call: "Call") -> None:
    if "symbol" not in call.params and "symbols" not in call.params:
        raise refusals.either_of("symbol", "symbols")
    if len(call.params.get("symbols", "").split(",")) > _SYMBOLS_MAX:
        raise refusals.Refusal(
            -1101, f"Too many values sent for parameter 'symbols', maximum allowed up to {_SYMBOLS_MAX}."
        )


def weigh_rolling(params: dict[str, str]) -> int:
    return min(4 * len(params.get("symbols", "").split(",")), 200)


def weigh_day(params: dict[str, str]) -> int:
    if "symbol" in params:
        return 2
    named = len(params["symbols"].split(",")) if "symbols" in params else 10**6
    return next(weight for most, weight in ((20, 2), (100, 40), (10**6, 80)) if named <= most)


def book_ticker(call: "Call") -> Any:
    return per_market(call, render.book_ticker)


def price_ticker(call: "Call") -> Any:
    return per_market(
        call, lambda market: {"symbol": market.instrument.symbol, "price": text(market.last_price)}
    )


def weigh_ticker(params: dict[str, str]) -> int:
    return 2 if "symbol" in params else 4


def per_market(call: "Call", shape: "Callable[[Market], Any]") -> Any:
    """One shape if a symbol is named, else a list of the named ones or of all."""
    shown = [shape(market) for market in call.named_markets()]
    return shown[0] if "symbol" in call.params else shown


def _full(call: "Call") -> bool:
    given = call.params.get("type", "FULL")
    if given not in {"FULL", "MINI"}:
        raise refusals.Refusal(-1139, "Invalid ticker type.")
    return given == "FULL"


def no_symbols(call: "Call") -> Any:
    """A derivatives exchange without instruments: enough for a client that loads all market types."""
    return {
        "timezone": "UTC",
        "serverTime": call.matching.clock.now_ms(),
        "rateLimits": [],
        "exchangeFilters": [],
        "symbols": [],
    }


def empty_list(_: "Call") -> Any:
    return []
