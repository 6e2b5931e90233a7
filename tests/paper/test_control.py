"""The control port: clock, accounts, money, prices, streams."""

import asyncio
from typing import Any

import pytest

from engine.paper.server import PaperExchange
from tests.paper.clients import Bare, bare_client, ccxt_client, options

WAIT_S = 5


async def test_clock(bare: Bare) -> None:
    """The exchange's clock can be skewed, frozen, advanced and let go; the wire shows it."""
    _, shown = await bare.control("POST", "/clock", skew_ms=90_000)
    assert 89_000 < shown["offset_ms"] <= 90_000
    _, shown = await bare.control("POST", "/clock", freeze=1_800_000_000_000)
    assert shown["frozen"]
    assert (200, {"serverTime": 1_800_000_000_000}) == await bare.raw("GET", "/api/v3/time")
    await bare.control("POST", "/clock", advance_ms=1500)
    assert (200, {"serverTime": 1_800_000_001_500}) == await bare.raw("GET", "/api/v3/time")
    _, shown = await bare.control("POST", "/clock", freeze=False)
    assert (False, True) == (shown["frozen"], shown["now_ms"] >= 1_800_000_001_500)
    _, shown = await bare.control("POST", "/clock", advance_ms=-5000)
    assert shown["now_ms"] < 1_800_000_001_500


async def test_accounts_and_money(bare: Bare, paper: PaperExchange) -> None:
    """Accounts open at run time with their own money and rates; what is not there cannot be withdrawn."""
    given = {"key": "third", "secret": "s", "deposits": {"USDT": "50.5"}, "taker_rate": "0.00075"}
    status, shown = await bare.control("POST", "/accounts", **given)
    assert (200, {"USDT": "50.50000000"}, "0.00075000") == (status, shown["free"], shown["taker_rate"])
    assert shown["uid"] == paper.matching.accounts["third"].uid
    status, shown = await bare.control("POST", "/withdraw", account="third", asset="USDT", amount="50")
    assert (200, {"USDT": "0.50000000"}) == (status, shown["free"])
    assert 400 == (await bare.control("POST", "/withdraw", account="third", asset="USDT", amount="1"))[0]
    assert 400 == (await bare.control("POST", "/deposit", account="nobody", asset="USDT", amount="1"))[0]
    assert 400 == (await bare.control("POST", "/deposit", account="third", asset="USDT", amount="-1"))[0]
    _, listed = await bare.control("GET", "/accounts")
    assert [bare.key, "other-key", "third"] == [one["key"] for one in listed["accounts"]]


async def test_pinned_market(bare: Bare) -> None:
    """A pinned market stands still under steps, trades what it holds, and moves again when let go."""
    await bare.control("POST", "/market", symbol="ETHUSDT", bid="2999", ask="3001", depth="2")
    _, before = await bare.control("POST", "/step", steps=5)
    assert [["2999.00000000", "2.00000000"]] == before["ETHUSDT"]["bids"]
    await bare.market("SELL", "0.5", symbol="ETHUSDT")
    _, shown = await bare.control("GET", "/market", symbol="ETHUSDT")
    assert [["2999.00000000", "1.50000000"]] == shown["ETHUSDT"]["bids"]
    await bare.control("POST", "/market", symbol="ETHUSDT", unpin=True)
    _, after = await bare.control("POST", "/step")
    assert (False, 8) == (after["ETHUSDT"]["pinned"], len(after["ETHUSDT"]["asks"]))


async def test_pinning_over_a_resting_order_fills_it(bare: Bare) -> None:
    """When the market is put beyond a resting order, that order trades at its own price, as maker."""
    _, resting = await bare.order(price="50001", quantity="0.5")
    await bare.control("POST", "/market", symbol="BTCUSDT", bid="49000", ask="49500", depth="0.2")
    _, shown = await bare.query(orderId=resting["orderId"])
    assert ("PARTIALLY_FILLED", "0.20000000") == (shown["status"], shown["executedQty"])
    _, (trade,) = await bare.send("GET", "/api/v3/myTrades", symbol="BTCUSDT")
    assert ("50001.00000000", True) == (trade["price"], trade["isMaker"])


@pytest.mark.parametrize(
    "given",
    [
        {"symbol": "NOPE", "bid": "1", "ask": "2"},
        {"symbol": "BTCUSDT", "bid": "2", "ask": "1"},
        {"symbol": "BTCUSDT", "bid": "1.001", "ask": "2"},
        {"symbol": "BTCUSDT", "bid": "1", "ask": "2", "depth": "0"},
        {"symbol": "BTCUSDT"},
    ],
)
async def test_bad_markets_are_refused(bare: Bare, given: dict[str, Any]) -> None:
    """What cannot be a market is refused with a message."""
    status, shown = await bare.control("POST", "/market", **given)
    assert (400, ["error"]) == (status, list(shown))


async def test_oracle_of_one_account(bare: Bare, other: Bare) -> None:
    """The oracle tells orders, fills with fees and balances of one account, and that they agree."""
    await bare.market("BUY", "0.1", newClientOrderId="mine")
    await other.order(newClientOrderId="theirs")
    _, shown = await bare.control("GET", "/oracle", account=bare.key)
    assert (True, [], [bare.key]) == (shown["consistent"], shown["differences"], list(shown["accounts"]))
    (order,) = shown["accounts"][bare.key]["orders"]
    assert ("mine", "FILLED", "0.10000000") == (order["clientOrderId"], order["status"], order["executedQty"])
    (fill,) = order["fills"]
    assert ("0.00010000", "BTC") == (fill["commission"], fill["commissionAsset"])
    balances = shown["accounts"][bare.key]["balances"]
    assert {"free": "94999.00000000", "locked": "0.00000000", "total": "94999.00000000"} == balances["USDT"]
    assert 400 == (await bare.control("GET", "/oracle", account="nobody"))[0]


async def test_oracle_finds_a_wrong_balance(bare: Bare, paper: PaperExchange) -> None:
    """Money that the exchange invents is found, in the account and in the sum."""
    paper.matching.accounts[bare.key].free["USDT"] += 1
    _, shown = await bare.control("GET", "/oracle")
    assert (False, 2) == (shown["consistent"], len(shown["differences"]))
    paper.matching.accounts[bare.key].free["USDT"] -= 1


async def test_money_and_orders_are_streamed(paper: PaperExchange, bare: Bare) -> None:
    """A deposit arrives as balanceUpdate, an order as executionReport, both in the ws-api's envelope."""
    async with ccxt_client(paper) as client:
        await client.load_markets()
        await client.authenticate()
        waiting = asyncio.create_task(client.watch_balance())
        await asyncio.sleep(0)
        await bare.paper_deposit("BNB", 3)
        assert 3.0 == (await asyncio.wait_for(waiting, WAIT_S))["BNB"]["free"]


async def test_events_of_one_order_in_sequence(paper: PaperExchange, bare: Bare, other: Bare) -> None:
    """NEW, TRADE and CANCELED come in order with their own ids; balances follow each."""
    async with bare.session.ws_connect(f"{paper.ws_url}/ws-api/v3") as socket:
        await socket.send_json(bare.ws_subscription(7))
        subscribed = await socket.receive_json(timeout=WAIT_S)
        assert (7, 200, {"subscriptionId": 0}) == tuple(
            subscribed[name] for name in ("id", "status", "result")
        )
        await bare.order(price="50005", quantity="0.2", newClientOrderId="it")
        await other.market("SELL", "0.1")
        await bare.send(
            "DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="it", newClientOrderId="bye"
        )
        events = [(await socket.receive_json(timeout=WAIT_S))["event"] for _ in range(6)]
    reports = [event for event in events if event["e"] == "executionReport"]
    assert [("NEW", "NEW"), ("TRADE", "PARTIALLY_FILLED"), ("CANCELED", "CANCELED")] == [
        (event["x"], event["X"]) for event in reports
    ]
    assert [("it", ""), ("it", ""), ("bye", "it")] == [(event["c"], event["C"]) for event in reports]
    assert (True, "0.00010000", "BTC") == (reports[1]["m"], reports[1]["n"], reports[1]["N"])
    assert 3 == sum(event["e"] == "outboundAccountPosition" for event in events)


async def test_streams_can_be_terminated_and_cut(paper: PaperExchange, bare: Bare) -> None:
    """A subscription can end with the exchange's farewell, and a connection without any."""
    async with bare.session.ws_connect(f"{paper.ws_url}/ws-api/v3") as socket:
        await socket.send_json(bare.ws_subscription(1))
        await socket.receive_json(timeout=WAIT_S)
        await bare.control("POST", "/streams", terminate=bare.key)
        told = await socket.receive_json(timeout=WAIT_S)
        assert "eventStreamTerminated" == told["event"]["e"]
        await bare.control("POST", "/streams", cut=True)
        message = await socket.receive(timeout=WAIT_S)
        assert message.type.name in {"CLOSED", "CLOSE", "ERROR"}


async def test_stream_refusals(paper: PaperExchange, bare: Bare) -> None:
    """Bad signatures, methods, streams and bytes are answered with errors; the connection lives on."""
    async with bare.session.ws_connect(f"{paper.ws_url}/ws-api/v3") as socket:
        message = bare.ws_subscription(1)
        message["params"]["signature"] = "00"
        await socket.send_json(message)
        assert -1022 == (await socket.receive_json(timeout=WAIT_S))["error"]["code"]
        await socket.send_json({"id": 2, "method": "nothing"})
        assert -1020 == (await socket.receive_json(timeout=WAIT_S))["error"]["code"]
        await socket.send_str("not json")
        assert "error" in await socket.receive_json(timeout=WAIT_S)
        await socket.send_json({"id": 3, "method": "ping"})
        assert 200 == (await socket.receive_json(timeout=WAIT_S))["status"]
    async with bare.session.ws_connect(f"{paper.ws_url}/stream?streams=btcusdt@bookTicker") as socket:
        first = await socket.receive_json(timeout=WAIT_S)
        assert ("btcusdt@bookTicker", "50000.00000000") == (first["stream"], first["data"]["b"])
        await socket.send_json({"id": 1, "method": "SUBSCRIBE", "params": ["nope@trade"]})
        assert 2 == (await socket.receive_json(timeout=WAIT_S))["error"]["code"]


async def test_limits_enforced() -> None:
    """With limits enforced the 101st order within ten seconds is refused with 429 and Retry-After."""
    async with PaperExchange(options(enforce_limits=True)) as paper, bare_client(paper) as bare:
        paper.clock.freeze(1_800_000_000_000)
        assert {200} == {(await bare.order(quantity="0.001"))[0] for _ in range(100)}
        status, shown = await bare.order(quantity="0.001")
        assert (429, -1015, "10") == (status, shown["code"], bare.headers["Retry-After"])
        await bare.control("POST", "/clock", advance_ms=10_000)
        assert 200 == (await bare.order(quantity="0.001"))[0]


async def test_weight_enforced_and_banned() -> None:
    """Beyond the minute's weight everything is 429 until the minute ends; who goes on is banned with 418."""
    async with PaperExchange(options(enforce_limits=True)) as paper, bare_client(paper) as bare:
        paper.clock.freeze(1_800_000_000_000 // 60_000 * 60_000)
        for _ in range(300):
            assert 200 == (await bare.raw("GET", "/api/v3/exchangeInfo?symbol=BTCUSDT"))[0]
        statuses = [(await bare.raw("GET", "/api/v3/time"))[0] for _ in range(22)]
        assert [429] * 20 + [418] * 2 == statuses
        assert "120" == bare.headers["Retry-After"]
        await bare.control("POST", "/clock", advance_ms=119_999)
        assert 418 == (await bare.raw("GET", "/api/v3/time"))[0]
        await bare.control("POST", "/clock", advance_ms=1)
        assert 200 == (await bare.raw("GET", "/api/v3/time"))[0]
