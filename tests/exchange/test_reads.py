"""Proves that reads are complete or errors, and what cancels and the seam tell."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from engine.domain.errors import ErrorCode, HoldfastError
from engine.domain.outcomes import Canceled, InDoubt, NotFound, NotSent, Refused
from engine.exchange import pages
from engine.exchange.account import AccountConfig, ExchangeUrls
from engine.exchange.gateway import Gateway
from engine.exchange.unified import IncompleteAnswerError
from tests.exchange.wire_server import (
    SYMBOL,
    Reply,
    Request,
    WireServer,
    order_request,
    placed_body,
    wire_server,
)

ORDER = "/api/v3/order"
ABSENT = {"code": -2013, "msg": "Order does not exist."}


@pytest.fixture
async def server() -> AsyncIterator[WireServer]:
    async with wire_server() as made:
        yield made


@pytest.fixture
async def gateway(server: WireServer) -> AsyncIterator[Gateway]:
    async with server.gateway() as made:
        yield made


def trade(number: int) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "id": number,
        "orderId": 7,
        "price": "50000.00",
        "qty": "0.001",
        "quoteQty": "50",
        "commission": "0.05",
        "commissionAsset": "USDT",
        "time": 1_700_000_000_000 + number // 700,
        "isBuyer": True,
        "isMaker": False,
    }


def order(number: int, status: str = "CANCELED") -> dict[str, Any]:
    at = 1_700_000_000_000 + number
    return {
        **placed_body(),
        "orderId": number,
        "status": status,
        "time": at,
        "updateTime": at,
        "isWorking": True,
    }


@pytest.mark.parametrize("asked", [{}, {"since_ms": 1_700_000_000_000}, {"exchange_order_id": "7"}])
async def test_all_pages_of_fills(server: WireServer, gateway: Gateway, asked: dict[str, Any]) -> None:
    """2,500 executions in three pages arrive once each, however many share a moment."""

    def reply(request: Request) -> Reply:
        first = int(request.params.get("fromId", 1))
        assert not {"fromId", "startTime"} <= request.params.keys()  # the exchange refuses the two together
        return Reply(body=[trade(number) for number in range(max(first, 1), 2501)[:1000]])

    server.replies["GET", "/api/v3/myTrades"] = reply
    fills = await gateway.fills(SYMBOL, **asked)
    assert [str(number) for number in range(1, 2501)] == [fill.exchange_trade_id for fill in fills]


async def test_a_failed_page_fails_the_read(server: WireServer, gateway: Gateway) -> None:
    """If the second page is refused, the first one alone is not returned."""

    def reply(request: Request) -> Reply:
        if int(request.params["fromId"]) > 1:
            return Reply(500, "")
        return Reply(body=[trade(number) for number in range(1, 1001)])

    server.replies["GET", "/api/v3/myTrades"] = reply
    with pytest.raises(HoldfastError):
        await gateway.fills(SYMBOL)


async def test_all_pages_of_closed_orders(server: WireServer, gateway: Gateway) -> None:
    """Closed orders are read to their end by time; open ones are left out."""

    def reply(request: Request) -> Reply:
        first = int(request.params["startTime"]) - 1_700_000_000_000
        rows = [order(number, "NEW" if number == 3 else "CANCELED") for number in range(max(first, 1), 1501)]
        return Reply(body=rows[:1000])

    server.replies["GET", "/api/v3/allOrders"] = reply
    found = await gateway.closed_orders(SYMBOL, 1_700_000_000_000)
    assert 1499 == len({one.exchange_order_id for one in found})
    assert {"canceled"} == {one.status for one in found}


async def test_both_sides_of_a_trade_with_oneself() -> None:
    """Two of our orders that trade with each other have a row each, even where a page ends between them."""
    rows = [
        {"id": "1", "order": "7", "timestamp": 5},
        {"id": "2", "order": "7", "timestamp": 5},
        {"id": "2", "order": "8", "timestamp": 5},
        {"id": "3", "order": "8", "timestamp": 6},
    ]

    async def first() -> list[dict[str, Any]]:
        return rows[:2]

    async def after(trade_id: int) -> list[dict[str, Any]]:
        return [row for row in rows if int(str(row["id"])) >= trade_id][:3]

    async def since(moment: int | None) -> list[dict[str, Any]]:
        return [row for row in rows if int(str(row["timestamp"])) >= (moment or 0)][:4]

    assert rows == await pages.by_id(first, after, 2)
    assert rows == await pages.by_time(since, 0, 5)


async def test_pages_that_do_not_end() -> None:
    """A moment with more rows than a page is an error, not a partial answer."""
    row = {"id": "1", "timestamp": 5}

    async def same(_: int | None) -> list[dict[str, Any]]:
        return [row]

    async def again() -> list[dict[str, Any]]:
        return [row]

    with pytest.raises(IncompleteAnswerError):
        await pages.by_time(same, 0, 1)
    with pytest.raises(IncompleteAnswerError):
        await pages.by_id(again, same, 1)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"code": -2011, "msg": "Unknown order sent."}),
        (400, {"code": -2026, "msg": "archived"}),
        (404, ""),
        (500, ABSENT),
        (200, ABSENT),
        (200, "{}"),
        (200, ""),
    ],
)
async def test_only_one_answer_means_absent(
    server: WireServer, gateway: Gateway, status: int, body: Any
) -> None:
    """Nothing but -2013 with a 4xx is `there is no such order`."""
    server.answer("GET", ORDER, 400, ABSENT)
    assert None is await gateway.find_order(SYMBOL, client_order_id="hold" + "a" * 14)
    server.answer("GET", ORDER, status, body)
    with pytest.raises(HoldfastError) as caught:
        await gateway.find_order(SYMBOL, client_order_id="hold" + "a" * 14)
    assert ErrorCode.EXCHANGE_UNAVAILABLE == caught.value.code


async def test_a_find_needs_an_id(gateway: Gateway) -> None:
    """Asking for nothing is an error, not an absence."""
    with pytest.raises(HoldfastError):
        await gateway.find_order(SYMBOL)


CANCELED = {**placed_body("cancel-own-id"), "origClientOrderId": "hold" + "a" * 14, "status": "CANCELED"}
CANCELS: list[tuple[int, Any, type]] = [
    (200, CANCELED, Canceled),
    (200, {**CANCELED, "orderId": 29}, InDoubt),
    (200, {**CANCELED, "status": "PENDING_CANCEL"}, Canceled),
    (200, "", InDoubt),
    (200, {}, InDoubt),
    (200, {"remaining": None}, InDoubt),
    (200, '"canceled"', InDoubt),
    (200, "123", InDoubt),
    (200, "[]", InDoubt),
    (400, {"code": -2011, "msg": "Unknown order sent."}, NotFound),
    (400, {"code": -2011, "msg": "Order was not canceled due to cancel restrictions."}, InDoubt),
    (400, {"code": -1100, "msg": "Illegal characters"}, Refused),
    (503, "", InDoubt),
]


async def test_cancels(server: WireServer, gateway: Gateway) -> None:
    """A cancel's outcome follows the same table, and its report carries our id, not the cancel's own."""
    for status, body, expected in CANCELS:
        server.answer("DELETE", ORDER, status, body)
        outcome = await gateway.cancel(SYMBOL, "28")
        assert expected is type(outcome), (status, body)
        if isinstance(outcome, Canceled):
            assert "hold" + "a" * 14 == outcome.report.client_order_id
            assert ("canceled" if body is CANCELED else "open") == outcome.report.status
    assert isinstance(await gateway.cancel("NO/SUCH", "28"), NotSent)


async def test_every_call_is_observed(server: WireServer) -> None:
    """Each call is reported with its name, its end, its duration and its wait."""

    class Reports:
        def __init__(self) -> None:
            self.seen: list[tuple[str, str, str]] = []

        def exchange_call(
            self, account_id: str, name: str, result: str, *, duration_s: float, waited_s: float
        ) -> None:
            assert duration_s >= 0
            assert waited_s >= 0
            self.seen.append((account_id, name, result))

    reports = Reports()
    server.answer("POST", ORDER, 200, placed_body())
    async with server.gateway(observer=reports) as gateway:
        await gateway.submit(order_request())
        await gateway.submit(order_request("hold" + "b" * 14, send_before_monotonic=0))
        await gateway.cancel(SYMBOL, "28")
    assert [("acc-1", "time", "ok")] * 5 + [("acc-1", "instruments", "ok")] == reports.seen[:6]
    assert [("submit", "ok"), ("submit", "error"), ("cancel", "error")] == [
        one[1:] for one in reports.seen[6:]
    ]


async def test_the_exchange_s_own_count_is_learnt(server: WireServer, gateway: Gateway) -> None:
    """Used weight of the answers' headers leaves no room for reads until it comes back."""
    used = {"X-MBX-USED-WEIGHT-1M": "5990"}
    server.answer("GET", "/api/v3/depth", 200, {"bids": [], "asks": []}, **used)
    quote = await gateway.best_ask(SYMBOL)
    assert (None, None) == (quote.bid, quote.ask)
    gateway._timeout_s = 0.01
    with pytest.raises(HoldfastError, match="budget"):
        await gateway.best_ask(SYMBOL)


async def test_a_gateway_that_cannot_open() -> None:
    """An unknown exchange, another one's URLs and a dead server are told, and leave nothing open."""
    urls = ExchangeUrls("http://127.0.0.1:1", "ws://127.0.0.1:1/ws-api/v3", "ws://127.0.0.1:1/stream/ws")
    for config, code in (
        (AccountConfig("a", "nosuch", "k", "s"), ErrorCode.CONFIGURATION),
        (AccountConfig("a", "kraken", "k", "s", urls=urls), ErrorCode.CONFIGURATION),
        (AccountConfig("a", "binance", "k", "s", urls=urls), ErrorCode.EXCHANGE_UNAVAILABLE),
    ):
        with pytest.raises(HoldfastError) as caught:
            await Gateway(config).open()
        assert code == caught.value.code
    with pytest.raises(HoldfastError) as caught:
        await Gateway(AccountConfig("a", "binance", "k", "s")).balances()
    assert ErrorCode.NOT_READY == caught.value.code
