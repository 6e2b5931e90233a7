"""Proves what is concluded from each thing that can happen to a sent order, on real bytes."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from engine.domain.outcomes import InDoubt, NotSent, Placed, Refused
from engine.exchange.gateway import Gateway
from engine.exchange.scheduler import Scheduler
from tests.exchange.wire_server import Reply, Request, WireServer, order_request, placed_body, wire_server

ORDER = ("POST", "/api/v3/order")


@pytest.fixture(params=["url", "tls"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[WireServer]:
    """Both ways, because ccxt chooses its error table by the URL: other URLs, and the real host by TLS."""
    async with wire_server(tls=request.param == "tls") as made:
        yield made


@pytest.fixture
async def gateway(server: WireServer) -> AsyncIterator[Gateway]:
    async with server.gateway() as made:
        yield made


async def test_placed_with_its_fills(server: WireServer, gateway: Gateway) -> None:
    """An answer with an order id is Placed, with exact numbers and the fills of the answer itself."""
    server.answer(*ORDER, 200, placed_body())
    outcome = await gateway.submit(order_request())
    assert isinstance(outcome, Placed)
    report = outcome.report
    assert ("28", "hold" + "a" * 14, "open") == (
        report.exchange_order_id,
        report.client_order_id,
        report.status,
    )
    assert (Decimal("0.01"), Decimal("0.004")) == (report.quantity, report.filled_quantity)
    (fill,) = report.fills
    assert ("56", "28", "BTC", Decimal("0.000004"), Decimal(49990)) == (
        fill.exchange_trade_id,
        fill.exchange_order_id,
        fill.fee_asset,
        fill.fee_quantity,
        fill.price,
    )
    assert "buy" == fill.side
    assert 1_700_000_000_500 == round(fill.exchange_time.timestamp() * 1000)


async def test_what_is_on_the_wire(server: WireServer, gateway: Gateway) -> None:
    """The signed time stamp, its window and our numbers go out exactly as the request fixed them."""
    server.answer(*ORDER, 200, placed_body())
    await gateway.submit(order_request(signed_at_ms=1_700_000_000_999, valid_for_ms=3_000))
    (request,) = server.sent(*ORDER)
    expected = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "quantity": "0.01",
        "price": "50000",
        "timeInForce": "GTC",
        "newClientOrderId": "hold" + "a" * 14,
        "timestamp": "1700000000999",
        "recvWindow": "3000",
    }
    assert expected == {name: request.params[name] for name in expected}


async def test_market_exit_has_no_price(server: WireServer, gateway: Gateway) -> None:
    """A market sell carries a quantity and neither a price nor a quote quantity."""
    server.answer(*ORDER, 200, placed_body(side="SELL", type="MARKET"))
    await gateway.submit(order_request(side="sell", type="market", limit_price=None))
    (request,) = server.sent(*ORDER)
    assert ("MARKET", "0.01") == (request.params["type"], request.params["quantity"])
    assert not {"price", "quoteOrderQty", "timeInForce"} & request.params.keys()


UNFIT: list[dict[str, Any]] = [
    {"type": "market"},
    {"limit_price": None},
    {"limit_price": Decimal("50000.001")},
    {"quantity": Decimal("0.010001")},
    {"symbol": "NO/SUCH"},
    {"post_only": True, "time_in_force": "IOC"},
]


async def test_unfit_requests_are_not_sent(server: WireServer, gateway: Gateway) -> None:
    """What ccxt would round or turn into another order never leaves."""
    for number, changes in enumerate(UNFIT):
        outcome = await gateway.submit(order_request(numbered(number), **changes))
        assert isinstance(outcome, NotSent)
    assert [] == server.sent(*ORDER)


def numbered(number: int) -> str:
    return (
        "hold"
        + "a" * 12
        + "abcdefghijklmnopqrstuvwxyz"[number // 26]
        + "abcdefghijklmnopqrstuvwxyz"[number % 26]
    )


REFUSALS = [
    (400, {"code": -1013, "msg": "Filter failure: LOT_SIZE"}, "-1013"),
    (400, {"code": -1100, "msg": "Illegal characters found in parameter 'price'."}, "-1100"),
    (400, {"code": -1121, "msg": "Invalid symbol."}, "-1121"),
    (400, {"code": -2010, "msg": "Account has insufficient balance for requested action."}, "-2010"),
    (400, {"code": -2010, "msg": "Order would immediately match and take."}, "-2010"),
    (400, {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}, "-1021"),
    (400, {"code": -1022, "msg": "Signature for this request is not valid."}, "-1022"),
    (401, {"code": -2014, "msg": "API-key format invalid."}, "-2014"),
    (401, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}, "-2015"),
    (429, {"code": -1003, "msg": "Too many requests."}, "-1003"),
    (429, {"code": -1015, "msg": "Too many new orders."}, "-1015"),
    (418, "", "418"),
]


async def test_definitive_refusals(server: WireServer, gateway: Gateway) -> None:
    """Only codes of the allow-list with their HTTP status are Refused, with the exchange's own code."""
    for number, (status, body, code) in enumerate(REFUSALS):
        # a fresh budget for each, because some of these ask for a pause
        gateway.seam.scheduler = Scheduler(gateway.facts.limits, monotonic=gateway.clock.monotonic)
        server.answer(*ORDER, status, body)
        outcome = await gateway.submit(order_request(numbered(number)))
        assert isinstance(outcome, Refused)
        assert code == outcome.exchange_code
        assert number + 1 == len(server.sent(*ORDER))


UNKNOWNS: list[tuple[int, Any]] = [
    (200, ""),
    (200, "<html>maintenance</html>"),
    (200, "{}"),
    (200, "null"),
    (200, "[]"),
    (200, {"code": -1013, "msg": "Filter failure: LOT_SIZE"}),
    (200, {**placed_body("COID"), "orderId": None}),
    (200, placed_body("somebodyelse")),
    (200, placed_body("COID", executedQty="NaN")),
    (400, placed_body("COID")),
    (400, {"code": -1006, "msg": "An unexpected response was received. Execution status unknown."}),
    (400, {"code": -1007, "msg": "Timeout waiting for response. Send status unknown."}),
    (400, {"code": -1000, "msg": "An unknown error occurred."}),
    (400, {"code": -1001, "msg": "Internal error; unable to process your request."}),
    (400, {"code": -2010, "msg": "A new reason nobody has seen."}),
    (400, {"code": -9999, "msg": "?"}),
    (400, ""),
    (403, "<html>waf</html>"),
    (404, "{}"),
    (500, {"code": -1013, "msg": "Filter failure: LOT_SIZE"}),
    (502, "<html>bad gateway</html>"),
    (503, {"code": -1008, "msg": "Server is currently overloaded."}),
    (504, ""),
]


async def test_everything_else_is_in_doubt(server: WireServer, gateway: Gateway) -> None:
    """Whatever the table does not name is InDoubt, with the answer kept; and it is sent once."""
    for number, (status, body) in enumerate(UNKNOWNS):
        if isinstance(body, dict) and body.get("clientOrderId") == "COID":
            body["clientOrderId"] = numbered(number)
        server.answer(*ORDER, status, body)
        outcome = await gateway.submit(order_request(numbered(number)))
        assert isinstance(outcome, InDoubt), (status, body)
        assert status == outcome.raw["status"]
        assert number + 1 == len(server.sent(*ORDER))


@pytest.mark.parametrize("where", ["before", "body"])
async def test_a_cut_connection_is_in_doubt(server: WireServer, gateway: Gateway, where: str) -> None:
    """A connection lost before the answer, or within it, is InDoubt, and nothing repeats the POST."""
    server.cut(*ORDER, where)
    assert isinstance(await gateway.submit(order_request()), InDoubt)
    assert 1 == len(server.sent(*ORDER))


async def test_no_answer_in_time_is_in_doubt(server: WireServer, gateway: Gateway) -> None:
    """A silent exchange is InDoubt after the timeout."""
    never = asyncio.Event()

    async def silent(_: Request) -> Reply:
        await never.wait()
        return Reply()

    gateway._orders._timeout_s = 0.05
    server.replies[ORDER] = silent
    assert isinstance(await gateway.submit(order_request()), InDoubt)


async def test_a_refused_connection_is_not_sent(gateway: Gateway) -> None:
    """Nobody listens: no connection, so nothing was written, and that alone is NotSent."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        gateway._client.urls["api"]["private"] = f"http://127.0.0.1:{unused.getsockname()[1]}/api/v3"
        outcome = await gateway.submit(order_request())
    assert isinstance(outcome, NotSent)
    assert "ClientConnectorError" in outcome.reason


async def test_an_unknown_host_is_not_sent(gateway: Gateway) -> None:
    """A name that does not resolve is NotSent too."""
    gateway._client.urls["api"]["private"] = "http://exchange.invalid/api/v3"
    assert isinstance(await gateway.submit(order_request()), NotSent)


async def test_a_wrong_certificate_is_not_sent() -> None:
    """A handshake that fails sends nothing: the host is not the one that the certificate names."""
    async with wire_server(tls=True) as server, server.gateway() as gateway:
        gateway._client.urls["api"]["private"] = "https://other.binance.com/api/v3"
        outcome = await gateway.submit(order_request())
        assert isinstance(outcome, NotSent)
        assert "Certificate" in outcome.reason


async def test_too_late_is_not_sent(server: WireServer, gateway: Gateway) -> None:
    """A request whose moment has passed is not written."""
    outcome = await gateway.submit(order_request(send_before_monotonic=time.monotonic() - 0.001))
    assert isinstance(outcome, NotSent)
    assert [] == server.sent(*ORDER)


async def test_a_pause_before_the_write_is_not_sent(server: WireServer, gateway: Gateway) -> None:
    """If the process stops between its check of the budget and the write, the guard at the write sees it."""

    class Pause:
        async def before(self, name: str) -> None:
            del name
            gateway.clock.advance(10)

        async def after(self, name: str) -> None:
            raise AssertionError(name)

    gateway.seam.faults = Pause()
    outcome = await gateway.submit(order_request())
    assert isinstance(outcome, NotSent)
    assert "WriteRefusedError" in outcome.reason
    assert [] == server.sent(*ORDER)


async def test_the_same_id_is_never_sent_twice(server: WireServer, gateway: Gateway) -> None:
    """A second submit of a client order id stays in doubt, even if the first never left."""
    server.answer(*ORDER, 200, placed_body())
    request = order_request()
    assert isinstance(await gateway.submit(request), Placed)
    assert isinstance(await gateway.submit(request), InDoubt)
    assert isinstance(await gateway.submit(replace(request, quantity=Decimal(1))), InDoubt)
    assert 1 == len(server.sent(*ORDER))


@pytest.mark.parametrize("crossing", ["before", "after"])
async def test_faults_at_the_seam(server: WireServer, gateway: Gateway, crossing: str) -> None:
    """A crash before the write is NotSent, one after the effect is InDoubt."""

    class Crash:
        async def before(self, name: str) -> None:
            if crossing == "before":
                raise ConnectionError(name)

        async def after(self, name: str) -> None:
            if crossing == "after":
                raise ConnectionError(name)

    server.answer(*ORDER, 200, placed_body())
    gateway.seam.faults = Crash()
    outcome = await gateway.submit(order_request())
    assert isinstance(outcome, NotSent if crossing == "before" else InDoubt)
    assert (0 if crossing == "before" else 1) == len(server.sent(*ORDER))


async def test_a_cancelled_task_is_cancelled(server: WireServer, gateway: Gateway) -> None:
    """A task cancelled while the exchange works ends as cancelled, and its id stays used."""
    never = asyncio.Event()

    async def silent(_: Request) -> Reply:
        await never.wait()
        return Reply()

    server.replies[ORDER] = silent
    task = asyncio.create_task(gateway.submit(order_request()))
    while not server.sent(*ORDER):
        server.arrived.clear()
        await server.arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert isinstance(await gateway.submit(order_request()), InDoubt)
    assert 1 == len(server.sent(*ORDER))


DUPLICATE = {"code": -2010, "msg": "Duplicate order sent."}


async def test_a_duplicate_is_looked_up(server: WireServer, gateway: Gateway) -> None:
    """A duplicate client order id means that the order exists: it is found and reported as placed."""
    server.answer(*ORDER, 400, DUPLICATE)
    found = {**placed_body(), "time": 1_700_000_000_500, "updateTime": 1_700_000_000_500, "isWorking": True}
    server.answer("GET", "/api/v3/order", 200, found)
    outcome = await gateway.submit(order_request())
    assert isinstance(outcome, Placed)
    assert "28" == outcome.report.exchange_order_id
    (query,) = server.sent("GET", "/api/v3/order")
    assert "hold" + "a" * 14 == query.params["origClientOrderId"]


@pytest.mark.parametrize(
    ("status", "body"), [(400, {"code": -2013, "msg": "Order does not exist."}), (500, "")]
)
async def test_a_duplicate_that_is_not_found(
    server: WireServer, gateway: Gateway, status: int, body: Any
) -> None:
    """A duplicate that cannot be seen yet stays in doubt."""
    server.answer(*ORDER, 400, DUPLICATE)
    server.answer("GET", "/api/v3/order", status, body)
    assert isinstance(await gateway.submit(order_request()), InDoubt)


async def test_concurrent_answers_are_not_mixed_up(server: WireServer, gateway: Gateway) -> None:
    """Each of many concurrent submits is judged by its own answer."""

    def reply(request: Request) -> Reply:
        coid = request.params["newClientOrderId"]
        return {
            "a": Reply(200, placed_body(coid)),
            "b": Reply(400, {"code": -1013, "msg": "Filter failure: NOTIONAL"}),
            "c": Reply(500, ""),
        }[coid[-1]]

    server.replies[ORDER] = reply
    wanted = {"a": Placed, "b": Refused, "c": InDoubt}
    ids = ["hold" + "2" * 11 + middle + last + last for middle in "defgh" for last in wanted]
    outcomes = await asyncio.gather(*(gateway.submit(order_request(coid)) for coid in ids))
    assert [wanted[coid[-1]] for coid in ids] == [type(outcome) for outcome in outcomes]


async def test_no_secret_in_any_outcome(server: WireServer, gateway: Gateway) -> None:
    """Neither the key nor a signature shows in what is kept of a failure."""
    server.cut(*ORDER, "before")
    shown = repr(await gateway.submit(order_request())) + repr(gateway.config)
    assert "signature" not in shown
    assert "secret=" not in shown


async def test_a_redirect_is_not_followed_by_a_second_order(server: WireServer, gateway: Gateway) -> None:
    """A redirect that asks for the POST again is in doubt, and is not obeyed."""
    server.answer(*ORDER, 307, "", Location="/api/v3/order")
    assert isinstance(await gateway.submit(order_request()), InDoubt)
    assert 1 == len(server.sent(*ORDER))


async def test_a_kept_connection_that_died_is_in_doubt(server: WireServer, gateway: Gateway) -> None:
    """A POST on a connection that the exchange dropped meanwhile is not repeated by aiohttp."""
    server.answer(*ORDER, 200, placed_body())
    assert isinstance(await gateway.submit(order_request()), Placed)
    server.cut(*ORDER, "before")
    assert isinstance(await gateway.submit(order_request(numbered(1))), InDoubt)
    assert 2 == len(server.sent(*ORDER))
