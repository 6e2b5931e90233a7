"""The ws-api trades and reads as REST does, with Binance's envelopes, errors and limits."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from engine.paper.faults import FaultKind, Match
from engine.paper.server import PaperExchange
from tests.paper.clients import Bare

WAIT_S = 5
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
ORDER |= {"price": "40000.00", "quantity": "0.01"}


class Session:
    """One ws-api connection of an account."""

    def __init__(self, bare: Bare, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.bare = bare
        self.socket = socket
        self.last_id = 0

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a request as it is and give its answer."""
        self.last_id += 1
        await self.socket.send_json({"id": self.last_id, "method": method, "params": params})
        answer: dict[str, Any] = await self.socket.receive_json(timeout=WAIT_S)
        assert self.last_id == answer["id"]
        return answer

    async def signed(self, method: str, **params: Any) -> dict[str, Any]:
        given = {"apiKey": self.bare.key, "timestamp": self.bare.paper.clock.now_ms(), **params}
        text = "&".join(f"{name}={given[name]}" for name in sorted(given))
        signature = hmac.new(self.bare.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        return await self.ask(method, **given, signature=signature)


@pytest.fixture
async def session(bare: Bare, paper: PaperExchange) -> AsyncIterator[Session]:
    async with bare.session.ws_connect(f"{paper.ws_url}/ws-api/v3") as socket:
        yield Session(bare, socket)


async def test_life_of_an_order(session: Session) -> None:
    """An order is placed, seen, listed and canceled; REST sees the same order."""
    placed = await session.signed("order.place", **ORDER, newClientOrderId="over-ws")
    assert (200, "NEW", "over-ws") == (
        placed["status"],
        placed["result"]["status"],
        placed["result"]["clientOrderId"],
    )
    order_id = placed["result"]["orderId"]
    assert (await session.bare.query(orderId=order_id))[1] == (
        await session.signed("order.status", symbol="BTCUSDT", orderId=order_id)
    )["result"]
    listed = await session.signed("openOrders.status", symbol="BTCUSDT")
    assert [order_id] == [one["orderId"] for one in listed["result"]]
    canceled = await session.signed("v3/order.cancel", symbol="BTCUSDT", origClientOrderId="over-ws")
    assert ("CANCELED", "over-ws") == (canceled["result"]["status"], canceled["result"]["origClientOrderId"])
    assert {} == (await session.signed("order.test", **ORDER))["result"]
    gone = await session.signed("openOrders.cancelAll", symbol="BTCUSDT")
    assert (400, -2011) == (gone["status"], gone["error"]["code"])


async def test_limits_are_counted_and_hidden(session: Session, paper: PaperExchange) -> None:
    """Answers tell the weight used, orders the order counts too; returnRateLimits false hides them."""
    paper.clock.freeze(1_800_000_000_000)
    weight = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000}
    assert [{**weight, "count": 1}] == (await session.ask("time"))["rateLimits"]
    placed = await session.signed("order.place", **ORDER)
    assert [("MINUTE", 2), ("SECOND", 1), ("DAY", 1)] == [
        (one["interval"], one["count"]) for one in placed["rateLimits"]
    ]
    assert "rateLimits" not in await session.ask("ping", returnRateLimits=False)
    assert "rateLimits" not in await session.signed("account.status", returnRateLimits=False)


@pytest.mark.parametrize(
    ("method", "params", "status", "code"),
    [
        ("order.place", {**ORDER, "quantity": "100"}, 400, -2010),
        ("order.place", {**ORDER, "quantity": "0.000001"}, 400, -1013),
        ("order.place", {**ORDER, "surprise": 1}, 400, -1104),
        ("order.place", {**ORDER, "timestamp": 1}, 400, -1021),
        ("order.place", {**ORDER, "apiKey": "nobody"}, 401, -2015),
        ("order.place", {**ORDER, "apiKey": "no key"}, 401, -2014),
        ("order.status", {"symbol": "BTCUSDT", "orderId": 99}, 400, -2013),
        ("order.cancel", {"symbol": "BTCUSDT"}, 400, -1102),
        ("session.logon", {}, 400, -1020),
        ("order.guess", {}, 400, -1020),
        ("", {}, 400, -1102),
    ],
)
async def test_errors(session: Session, method: str, params: dict[str, Any], status: int, code: int) -> None:
    """Refusals have the codes and statuses of REST inside `error`."""
    answer = await session.signed(method, **params)
    assert (status, code, False) == (answer["status"], answer["error"]["code"], "result" in answer)


async def test_failed_replacement_tells_its_parts(session: Session) -> None:
    """The error of a failed cancel-replace carries both halves as data."""
    answer = await session.signed(
        "order.cancelReplace", **ORDER, cancelReplaceMode="ALLOW_FAILURE", cancelOrderId=99
    )
    assert (409, -2021) == (answer["status"], answer["error"]["code"])
    assert ("FAILURE", "SUCCESS") == (
        answer["error"]["data"]["cancelResult"],
        answer["error"]["data"]["newOrderResult"],
    )


async def test_bad_signatures_and_garbage(session: Session) -> None:
    """A wrong signature is -1022, a missing one -1102, what is no JSON object -1135."""
    now = session.bare.paper.clock.now_ms()
    given = {**ORDER, "apiKey": session.bare.key, "timestamp": now}
    assert -1022 == (await session.ask("order.place", **given, signature="0" * 64))["error"]["code"]
    assert -1102 == (await session.ask("order.place", **given))["error"]["code"]
    for garbage in ("{", "[]", "1", '{"id": {}'):
        await session.socket.send_str(garbage)
        answer = await session.socket.receive_json(timeout=WAIT_S)
        assert (None, 400, -1135) == (answer["id"], answer["status"], answer["error"]["code"])
    await session.socket.send_json({"id": "x", "method": ["time"], "params": 7})
    assert -1102 == (await session.socket.receive_json(timeout=WAIT_S))["error"]["code"]


async def test_public_requests(session: Session) -> None:
    """Market data answers as over REST; lists of symbols are JSON lists."""
    assert abs((await session.ask("time"))["result"]["serverTime"] - session.bare.paper.clock.now_ms()) < 1000
    assert {} == (await session.ask("ping"))["result"]
    shown = (await session.ask("exchangeInfo", symbols=["BTCUSDT", "ETHBTC"]))["result"]
    assert ["BTCUSDT", "ETHBTC"] == [one["symbol"] for one in shown["symbols"]]
    assert 3 == len((await session.ask("klines", symbol="BTCUSDT", interval="1m", limit=3))["result"])
    assert [["50000.00000000", "5.00000000"]] == (await session.ask("depth", symbol="BTCUSDT"))["result"][
        "bids"
    ]
    assert "50005.00000000" == (await session.ask("ticker.price", symbol="BTCUSDT"))["result"]["price"]
    assert -1121 == (await session.ask("ticker.book", symbol="NOPE"))["error"]["code"]


async def test_subscriptions_of_a_session(session: Session) -> None:
    """A session lists its subscriptions and ends one by its id; no events come after that."""
    subscribed = await session.signed("userDataStream.subscribe.signature")
    number = subscribed["result"]["subscriptionId"]
    assert [{"subscriptionId": number}] == (await session.ask("session.subscriptions"))["result"]
    assert (await session.ask("session.status"))["result"]["userDataStream"]
    await session.ask("userDataStream.unsubscribe", subscriptionId=number)
    assert [] == (await session.ask("session.subscriptions"))["result"]
    await session.bare.order()
    assert {} == (await session.ask("ping"))["result"]


async def test_faults_reach_this_way_too(session: Session, paper: PaperExchange) -> None:
    """A fault for order requests hits them here: unknown status as an error, a drop as a cut connection."""
    paper.fault(FaultKind.UNKNOWN_AFTER, match=Match(method="POST"))
    answer = await session.signed("order.place", **ORDER, newClientOrderId="unknown")
    assert (504, -1007) == (answer["status"], answer["error"]["code"])
    assert "NEW" == (await session.bare.query(origClientOrderId="unknown"))[1]["status"]
    paper.fault(FaultKind.DROP_AFTER, match=Match(path="/api/v3/order"))
    with pytest.raises((TypeError, ConnectionError, aiohttp.ClientError)):
        await session.signed("order.place", **ORDER, newClientOrderId="dropped")
    assert "NEW" == (await session.bare.query(origClientOrderId="dropped"))[1]["status"]
    assert ["unknown_after", "drop_after"] == [
        one["fault"] for one in paper.rest.requests if one["method"] == "POST"
    ]


async def test_ccxt_trades_over_the_ws_api(ccxt: Any) -> None:
    """The unmodified client places, fetches, lists and cancels orders on the connection."""
    await ccxt.load_markets()
    placed = await asyncio.wait_for(ccxt.create_order_ws("BTC/USDT", "limit", "buy", 0.01, 40000), WAIT_S)
    assert "open" == placed["status"]
    fetched = await asyncio.wait_for(ccxt.fetch_order_ws(placed["id"], "BTC/USDT"), WAIT_S)
    assert placed["id"] == fetched["id"]
    listed = await asyncio.wait_for(ccxt.fetch_open_orders_ws("BTC/USDT"), WAIT_S)
    assert [placed["id"]] == [one["id"] for one in listed]
    canceled = await asyncio.wait_for(ccxt.cancel_order_ws(placed["id"], "BTC/USDT"), WAIT_S)
    assert "canceled" == canceled["status"]
    with pytest.raises(Exception) as refused:  # noqa: PT011 - ccxt's class is checked by name
        await asyncio.wait_for(ccxt.create_order_ws("BTC/USDT", "limit", "buy", 5, 40000), WAIT_S)
    assert "InsufficientFunds" == type(refused.value).__name__
