"""Public streams, raw and combined, and listen keys: what is subscribed comes, in Binance's shapes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from engine.paper.server import PaperExchange
from tests.paper.clients import KEY, Bare, bare_client, options

WAIT_S = 5
NOON = 1_800_000_000_000
MINUTE = 60_000


@asynccontextmanager
async def listening(bare: Bare, target: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with bare.session.ws_connect(bare.paper.ws_url + target) as socket:
        yield socket


async def receive(socket: aiohttp.ClientWebSocketResponse) -> Any:
    return await socket.receive_json(timeout=WAIT_S)


async def events(socket: aiohttp.ClientWebSocketResponse, count: int) -> list[Any]:
    return [await receive(socket) for _ in range(count)]


async def ask(socket: aiohttp.ClientWebSocketResponse, method: str, *params: Any) -> Any:
    """Send a request about subscriptions; its answer, whatever events come before it."""
    await socket.send_json({"id": 5, "method": method, "params": list(params)})
    while "id" not in (answer := await receive(socket)):
        continue
    return answer


async def test_raw_and_combined(bare: Bare, paper: PaperExchange) -> None:
    """A trade comes bare under /ws and in an envelope with its stream under /stream."""
    async with (
        listening(bare, "/ws/btcusdt@trade") as raw,
        listening(bare, "/stream?streams=btcusdt@trade/btcusdt%40aggTrade") as combined,
    ):
        for name in ("btcusdt@trade", "btcusdt@aggTrade"):
            await asyncio.wait_for(paper.market_streams.subscribed(name), WAIT_S)
        await ask(raw, "LIST_SUBSCRIPTIONS")
        _, placed = await bare.market("BUY", "0.1")
        trade = await receive(raw)
        first, second = await events(combined, 2)
    expected = {"e": "trade", "s": "BTCUSDT", "t": 1, "p": "50010.00000000", "q": "0.10000000", "m": False}
    assert expected.items() <= trade.items()
    assert placed["transactTime"] == trade["T"]
    assert {"stream": "btcusdt@trade", "data": trade} == first
    assert ("btcusdt@aggTrade", 1, 1, 1) == (
        second["stream"],
        *(second["data"][letter] for letter in "afl"),
    )


async def test_requests_about_subscriptions(bare: Bare) -> None:
    """Subscribing, listing, leaving and properties are answered; what is unknown is an error."""
    async with listening(bare, "/ws") as socket:
        assert {"result": None, "id": 5} == await ask(
            socket, "SUBSCRIBE", "btcusdt@depth@100ms", "ethbtc@trade"
        )
        listed = {"result": ["btcusdt@depth@100ms", "ethbtc@trade"], "id": 5}
        assert listed == await ask(socket, "LIST_SUBSCRIPTIONS")
        assert {"result": None, "id": 5} == await ask(socket, "UNSUBSCRIBE", "ethbtc@trade")
        assert ["btcusdt@depth@100ms"] == (await ask(socket, "LIST_SUBSCRIPTIONS"))["result"]
        assert not (await ask(socket, "GET_PROPERTY", "combined"))["result"]
        await ask(socket, "SET_PROPERTY", "combined", True)
        assert (await ask(socket, "GET_PROPERTY", "combined"))["result"]
        wrong = ["BTCUSDT@trade", "nope@trade", "btcusdt@kline_7m", "btcusdt@depth7", "btcusdt@depth@5ms", 7]
        for name in [*wrong, "", "!bookTicker@arr", "btcusdt@trade@100ms"]:
            assert 2 == (await ask(socket, "SUBSCRIBE", name))["error"]["code"]
        assert "unknown variant" in (await ask(socket, "SHOUT"))["error"]["msg"]
        await socket.send_str("no json")
        assert 2 == (await receive(socket))["error"]["code"]


async def test_depth_follows_the_book(bare: Bare, paper: PaperExchange) -> None:
    """A snapshot plus the events after it is the book; partial books are whole every time."""
    async with (
        listening(bare, "/ws/btcusdt@depth@100ms") as diffs,
        listening(bare, "/ws/btcusdt@depth5") as partial,
    ):
        for name in ("btcusdt@depth@100ms", "btcusdt@depth5"):
            await asyncio.wait_for(paper.market_streams.subscribed(name), WAIT_S)
        _, book = await bare.raw("GET", "/api/v3/depth?symbol=BTCUSDT")
        last, bids = book["lastUpdateId"], dict(book["bids"])
        await bare.order(price="50001", quantity="0.2")
        await bare.order(price="50002", quantity="0.3")
        await bare.send("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
        await bare.order(price="50003", quantity="0.4")
        while "50003.00000000" not in bids:
            event = await receive(diffs)
            assert last + 1 == event["U"] <= event["u"]
            last = event["u"]
            bids.update(dict(event["b"]))
        shown = {price: quantity for price, quantity in bids.items() if quantity != "0.00000000"}
        _, book = await bare.raw("GET", "/api/v3/depth?symbol=BTCUSDT")
        assert dict(book["bids"]) == shown
        assert last == book["lastUpdateId"]
        while (told := await receive(partial))["lastUpdateId"] < last:
            continue
        assert book == told


async def test_candles_stream(bare: Bare, paper: PaperExchange) -> None:
    """A candle is told as it grows and once more, closed, when its interval is over."""
    paper.clock.freeze(NOON)
    async with listening(bare, "/ws/btcusdt@kline_1m") as socket:
        flat = (await receive(socket))["k"]
        assert (NOON, NOON + MINUTE - 1, "1m", False, 0) == tuple(
            flat[name] for name in ("t", "T", "i", "x", "n")
        )
        await bare.market("BUY", "0.1")
        grown = (await receive(socket))["k"]
        assert ("0.10000000", "50010.00000000", "0.10000000", 1, 1, 1) == tuple(
            grown[name] for name in ("v", "c", "V", "n", "f", "L")
        )
        paper.clock.advance(MINUTE)
        await bare.market("SELL", "0.2")
        closed, fresh = (one["k"] for one in await events(socket, 2))
        assert {**grown, "x": True} == closed
        assert (NOON + MINUTE, False, "50000.00000000", "0.20000000", "0.00000000") == tuple(
            fresh[name] for name in ("t", "x", "o", "v", "V")
        )
        _, rows = await bare.raw("GET", f"/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime={NOON}")
        assert [[row["o"], row["h"], row["l"], row["c"], row["v"]] for row in (closed, fresh)] == [
            row[1:6] for row in rows
        ]


@pytest.mark.parametrize(
    ("kind", "name", "letters"),
    [
        ("ticker", "24hrTicker", "pPwxcQbBaAohlvqOCFLn"),
        ("miniTicker", "24hrMiniTicker", "cohlvq"),
        ("ticker_1h", "1hTicker", "pPwcohlvqOCFLn"),
        ("avgPrice", "avgPrice", "iwT"),
        ("bookTicker", None, "ubBaA"),
    ],
)
async def test_tickers(bare: Bare, kind: str, name: str | None, letters: str) -> None:
    """Each ticker has the fields Binance documents, and comes at once and after a change."""
    async with listening(bare, f"/ws/btcusdt@{kind}") as socket:
        first = await receive(socket)
        assert {"s", *letters} | ({"e", "E"} if name else set()) == set(first)
        assert (name, "BTCUSDT") == (first.get("e"), first["s"])
        await bare.market("BUY", "0.1")
        changed = await receive(socket)
        assert first != changed
        assert "50010.00000000" == changed.get("c", "50010.00000000")


async def test_all_mini_tickers(bare: Bare, paper: PaperExchange) -> None:
    """One stream tells the tickers of all symbols that changed."""
    async with listening(bare, "/stream?streams=!miniTicker@arr") as socket:
        await asyncio.wait_for(paper.market_streams.subscribed("!miniTicker@arr"), WAIT_S)
        paper.step()
        told = await receive(socket)
        assert "!miniTicker@arr" == told["stream"]
        assert {"BNBUSDT", "BTCUSDT", "ETHBTC", "ETHUSDT"} == {one["s"] for one in told["data"]}
        await bare.market("BUY", "0.1")
        assert ["BTCUSDT"] == [one["s"] for one in (await receive(socket))["data"]]


@pytest.fixture
async def legacy() -> AsyncIterator[Bare]:
    """A client of an exchange that offers listen keys."""
    async with PaperExchange(options(legacy_user_streams=True)) as paper:
        paper.outside.pin("BTCUSDT", 50_000 * 10**8, 50_010 * 10**8, 5 * 10**8)
        async with bare_client(paper) as client:
            yield client


async def test_listen_keys(legacy: Bare) -> None:
    """A key is the same until it is closed; raw and combined connections that name it get the events."""
    path = "/api/v3/userDataStream"
    key = (await legacy.raw("POST", path))[1]["listenKey"]
    assert (200, {"listenKey": key}) == await legacy.raw("POST", path)
    assert (200, {}) == await legacy.raw("PUT", f"{path}?listenKey={key}")
    async with (
        listening(legacy, f"/ws/{key}") as raw,
        listening(legacy, f"/stream?streams={key}") as combined,
    ):
        await ask(raw, "LIST_SUBSCRIPTIONS")
        await ask(combined, "LIST_SUBSCRIPTIONS")
        await legacy.order(newClientOrderId="seen")
        told = await events(raw, 2)
        assert ["executionReport", "outboundAccountPosition"] == [one["e"] for one in told]
        assert "seen" == told[0]["c"]
        assert [{"stream": key, "data": one} for one in told] == await events(combined, 2)
        legacy.paper.clock.advance(61 * MINUTE)
        expired = await receive(raw)
        assert ("listenKeyExpired", key) == (expired["e"], expired["listenKey"])
    status, shown = await legacy.raw("PUT", f"{path}?listenKey={key}")
    assert (400, -1125) == (status, shown["code"])
    fresh = (await legacy.raw("POST", path))[1]["listenKey"]
    assert key != fresh
    assert (200, {}) == await legacy.raw("DELETE", f"{path}?listenKey={fresh}")
    assert -1125 == (await legacy.raw("DELETE", f"{path}?listenKey={fresh}"))[1]["code"]
    assert not legacy.paper.matching.accounts[KEY].subscriptions


async def test_without_the_switch_there_are_no_listen_keys(bare: Bare) -> None:
    """As on Binance since they were removed: 410, and nothing streams."""
    status, shown = await bare.raw("POST", "/api/v3/userDataStream")
    assert (410, -1020) == (status, shown["code"])
    bare.key = "nobody"
    assert 401 == (await bare.raw("POST", "/api/v3/userDataStream"))[0]


async def test_ccxt_watches_candles(ccxt: Any, paper: PaperExchange) -> None:
    """The unmodified client watches candles that grow with each trade."""
    await ccxt.load_markets()
    paper.clock.freeze()
    first = await asyncio.wait_for(ccxt.watch_ohlcv("BTC/USDT", "1m"), WAIT_S)
    assert 0.0 == first[-1][5]
    grown = asyncio.create_task(ccxt.watch_ohlcv("BTC/USDT", "1m"))
    await asyncio.wait_for(paper.market_streams.subscribed("btcusdt@kline_1m"), WAIT_S)
    await ccxt.create_order("BTC/USDT", "market", "buy", 0.1)
    assert (50010.0, 0.1) == tuple((await asyncio.wait_for(grown, WAIT_S))[-1][4:6])
