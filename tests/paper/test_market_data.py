"""Candles, tickers, averages and older trades say what was traded, to the last digit."""

from itertools import pairwise
from typing import Any

import pytest

from engine.paper.candles import INTERVALS, Past, bounds
from engine.paper.server import PaperExchange
from tests.paper.clients import Bare, options

MINUTE = 60_000
# A minute begins: 2027-01-15 08:00 UTC.
NOON = 1_800_000_000_000


async def candles(bare: Bare, **params: Any) -> list[list[Any]]:
    query = "&".join(f"{name}={value}" for name, value in {"symbol": "BTCUSDT", **params}.items())
    status, shown = await bare.raw("GET", f"/api/v3/klines?{query}")
    assert 200 == status
    rows: list[list[Any]] = shown
    return rows


async def test_a_candle_is_made_of_its_trades(bare: Bare, paper: PaperExchange) -> None:
    """Prices, volumes and counts are those of the trades in the minute; an empty candle is flat."""
    paper.clock.freeze(NOON)
    for side, price in (("BUY", 50_010), ("SELL", 50_000), ("BUY", 50_010)):
        await bare.market(side, "0.1")
        assert price * 10**8 == paper.matching.markets["BTCUSDT"].last_price
    paper.clock.advance(2 * MINUTE)
    await bare.market("SELL", "0.3")
    first, empty, last = (await candles(bare, interval="1m"))[-3:]
    assert first == [
        NOON,
        "50010.00000000",
        "50010.00000000",
        "50000.00000000",
        "50010.00000000",
        "0.30000000",
        NOON + MINUTE - 1,
        "15002.00000000",
        3,
        "0.20000000",
        "10002.00000000",
        "0",
    ]
    assert ["50010.00000000"] * 4 + ["0.00000000"] == empty[1:6]
    assert ["50000.00000000"] * 4 + ["0.30000000"] == last[1:6]
    (hour,) = await candles(bare, interval="1h", startTime=bounds("1h", NOON)[0], limit=1)
    assert ("0.60000000", 4) == (hour[5], hour[8])
    seconds = await candles(bare, interval="1s", startTime=NOON, limit=2)
    assert [3, 0] == [row[8] for row in seconds]


@pytest.mark.parametrize("interval", sorted(INTERVALS))
async def test_candles_follow_each_other(bare: Bare, interval: str) -> None:
    """In every interval candles touch in time, into the made-up past too, and bounds bound."""
    rows = await candles(bare, interval=interval, limit=100)
    assert all(a[6] + 1 == b[0] for a, b in pairwise(rows))
    assert all(float(row[3]) <= min(float(row[1]), float(row[4])) for row in rows)
    assert all(float(row[2]) >= max(float(row[1]), float(row[4])) for row in rows)
    assert rows[10:15] == await candles(bare, interval=interval, startTime=rows[10][0], limit=5)
    assert rows[10:15] == await candles(bare, interval=interval, startTime=rows[10][0], endTime=rows[14][6])
    assert rows[:-5] == (await candles(bare, interval=interval, endTime=rows[-6][6], limit=95))


def test_the_made_up_past_comes_from_the_seed() -> None:
    """The same seed tells the same past, another one another; it ends at the opening price."""
    tick = 10**6
    first, same, other = (Past(seed, NOON, 60_000 * 10**8, tick, 10**12) for seed in ("1", "1", "2"))
    assert first.candle(NOON - MINUTE, NOON) == same.candle(NOON - MINUTE, NOON)
    assert first.price(NOON - 10**9) != other.price(NOON - 10**9)
    assert 60_000 * 10**8 == first.price(NOON) == other.price(NOON)
    assert 0 == first.price(NOON - 10**9) % tick


async def test_refused_candles(bare: Bare) -> None:
    """A wrong interval, a wrong symbol and a limit of zero have Binance's codes."""
    for query, code in [
        ("symbol=BTCUSDT&interval=7m", -1120),
        ("symbol=NOPE&interval=1m", -1121),
        ("symbol=BTCUSDT", -1102),
        ("symbol=BTCUSDT&interval=1m&limit=0", -1130),
        ("symbol=BTCUSDT&interval=1m&timeZone=x", -1130),
    ]:
        status, shown = await bare.raw("GET", f"/api/v3/klines?{query}")
        assert (400, code) == (status, shown["code"])


async def test_tickers(bare: Bare, paper: PaperExchange) -> None:
    """Day and rolling tickers sum the trades of their window and forget older ones."""
    paper.clock.freeze(NOON)
    await bare.market("BUY", "0.1")
    paper.clock.advance(10 * MINUTE)
    await bare.market("SELL", "0.3")
    _, day = await bare.raw("GET", "/api/v3/ticker/24hr?symbol=BTCUSDT")
    assert ("0.40000000", "20001.00000000", 2) == (day["volume"], day["quoteVolume"], day["count"])
    assert ("-10.00000000", "-0.020", "50002.50000000") == (
        day["priceChange"],
        day["priceChangePercent"],
        day["weightedAvgPrice"],
    )
    _, mini = await bare.raw("GET", "/api/v3/ticker/24hr?symbol=BTCUSDT&type=MINI")
    assert "weightedAvgPrice" not in mini
    assert "50000.00000000" == mini["lastPrice"]
    _, rolling = await bare.raw("GET", "/api/v3/ticker?symbol=BTCUSDT&windowSize=5m")
    assert ("0.30000000", NOON + 6 * MINUTE, 1) == (rolling["volume"], rolling["openTime"], rolling["count"])
    _, average = await bare.raw("GET", "/api/v3/avgPrice?symbol=BTCUSDT")
    assert (5, "50000.00000000") == (average["mins"], average["price"])
    _, today = await bare.raw("GET", "/api/v3/ticker/tradingDay?symbol=BTCUSDT")
    midnight = bounds("1d", NOON)
    assert ("0.40000000", midnight[0], midnight[1] - 1) == (
        today["volume"],
        today["openTime"],
        today["closeTime"],
    )
    paper.clock.advance(24 * 60 * MINUTE)
    _, day = await bare.raw("GET", "/api/v3/ticker/24hr?symbol=BTCUSDT")
    assert ("0.00000000", 0, "50000.00000000") == (day["volume"], day["count"], day["openPrice"])


async def test_one_many_and_all_symbols(bare: Bare) -> None:
    """Tickers answer with one object for a symbol and with lists for several or all."""
    for path, needs_symbols in [
        ("24hr", False),
        ("price", False),
        ("bookTicker", False),
        ("", True),
        ("tradingDay", True),
    ]:
        target = f"/api/v3/ticker/{path}".rstrip("/")
        assert "BTCUSDT" == (await bare.raw("GET", f"{target}?symbol=BTCUSDT"))[1]["symbol"]
        two = (await bare.raw("GET", f'{target}?symbols=%5B"ETHBTC","BTCUSDT"%5D'))[1]
        assert ["ETHBTC", "BTCUSDT"] == [one["symbol"] for one in two]
        status, every = await bare.raw("GET", target)
        assert (400, -1102) == (status, every["code"]) if needs_symbols else 4 == len(every)
        for bad, code in [
            ('symbols=["A","B"]', -1121),
            ("symbols=BTCUSDT", -1100),
            ('symbols=["A","A"]', -1151),
        ]:
            assert code == (await bare.raw("GET", f"{target}?{bad}"))[1]["code"]
    assert -1139 == (await bare.raw("GET", "/api/v3/ticker/24hr?symbol=BTCUSDT&type=HUGE"))[1]["code"]
    assert -1130 == (await bare.raw("GET", "/api/v3/ticker?symbol=BTCUSDT&windowSize=8d"))[1]["code"]


async def test_older_trades(bare: Bare, paper: PaperExchange) -> None:
    """Trades page by id and time; historicalTrades needs a key, but no signature."""
    paper.clock.freeze(NOON)
    for _ in range(5):
        await bare.market("BUY", "0.01")
        paper.clock.advance(1000)
    _, found = await bare.raw("GET", "/api/v3/historicalTrades?symbol=BTCUSDT&fromId=2&limit=2")
    assert [2, 3] == [one["id"] for one in found]
    _, found = await bare.raw("GET", "/api/v3/trades?symbol=BTCUSDT&limit=2")
    assert [4, 5] == [one["id"] for one in found]
    _, found = await bare.raw("GET", "/api/v3/aggTrades?symbol=BTCUSDT&fromId=3&limit=2")
    assert [3, 4] == [one["a"] for one in found]
    query = f"symbol=BTCUSDT&startTime={NOON + 1000}&endTime={NOON + 3000}"
    _, found = await bare.raw("GET", f"/api/v3/aggTrades?{query}")
    assert [2, 3, 4] == [one["a"] for one in found]
    assert -1128 == (await bare.raw("GET", f"/api/v3/aggTrades?{query}&fromId=1"))[1]["code"]
    bare.key = "nobody"
    status, shown = await bare.raw("GET", "/api/v3/historicalTrades?symbol=BTCUSDT")
    assert (401, -2015) == (status, shown["code"])


async def test_weights_depend_on_what_is_asked(bare: Bare, paper: PaperExchange) -> None:
    """Deep books, many symbols and lists without a symbol cost more, as on Binance."""
    paper.clock.freeze(NOON)
    before = 0
    for target, weight in [
        ("/api/v3/depth?symbol=BTCUSDT", 5),
        ("/api/v3/depth?symbol=BTCUSDT&limit=1000", 50),
        ("/api/v3/ticker/24hr?symbol=BTCUSDT", 2),
        ("/api/v3/ticker/24hr", 80),
        ("/api/v3/ticker/price", 4),
        ('/api/v3/ticker?symbols=["BTCUSDT","ETHBTC"]', 8),
        ("/api/v3/klines?symbol=BTCUSDT&interval=1m", 2),
    ]:
        await bare.raw("GET", target)
        used = int(bare.headers["x-mbx-used-weight-1m"])
        assert (target, weight) == (target, used - before)
        before = used


async def test_ccxt_reads_candles(ccxt: Any, paper: PaperExchange) -> None:
    """A client of ccxt gets a past to begin with and what is traded now."""
    await ccxt.load_markets()
    paper.clock.freeze()
    await ccxt.create_order("BTC/USDT", "market", "buy", 0.1)
    rows = await ccxt.fetch_ohlcv("BTC/USDT", "1m", limit=50)
    assert (50, 50010.0, 0.1) == (len(rows), rows[-1][4], rows[-1][5])
    since = rows[10][0]
    assert rows[10:13] == await ccxt.fetch_ohlcv("BTC/USDT", "1m", since, 3)


def test_a_moving_market_has_candles_of_its_own() -> None:
    """What the seeded market trades is in its candles: the sums agree with the tape."""
    paper = PaperExchange(options(seed=3))
    paper.clock.freeze(NOON)
    for _ in range(200):
        paper.step()
        paper.clock.advance(1700)
    market = paper.matching.markets["ETHUSDT"]
    rows = market.candles.rows("1m", NOON, paper.clock.now_ms(), 1000)
    tape = [one for one in market.trades if one.time_ms >= NOON]
    assert sum(one.quantity for one in tape) == sum(row.volume for row in rows)
    assert (len(tape), max(one.price for one in tape)) == (
        sum(row.count for row in rows),
        max(row.high for row in rows if row.count),
    )
