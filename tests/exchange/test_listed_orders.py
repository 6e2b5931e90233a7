"""Proves that a list of open orders says what it says whether or not its rows were read before."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from engine.domain.errors import HoldfastError
from engine.domain.outcomes import OrderReport
from engine.exchange.gateway import Gateway
from tests.exchange.wire_server import SYMBOL, WireServer, wire_server

PATH = "/api/v3/openOrders"
AT_MS = 1_700_000_000_000
# What Binance tells of an open order, and what each field could be next.
CHANGES = {
    "symbol": "ETHUSDT",
    "orderId": 99,
    "orderListId": 5,
    "clientOrderId": "another",
    "price": "50001.00",
    "origQty": "0.020",
    "executedQty": "0.004",
    "cummulativeQuoteQty": "199.96",
    "status": "PARTIALLY_FILLED",
    "timeInForce": "IOC",
    "type": "LIMIT_MAKER",
    "side": "SELL",
    "stopPrice": "1.00",
    "icebergQty": "0.001",
    "time": AT_MS + 5,
    "updateTime": AT_MS + 5,
    "isWorking": False,
    "workingTime": AT_MS + 5,
    "origQuoteOrderQty": "1.0",
    "selfTradePreventionMode": "EXPIRE_MAKER",
}


@pytest.fixture
async def server() -> AsyncIterator[WireServer]:
    async with wire_server() as made:
        yield made


@pytest.fixture
async def gateway(server: WireServer) -> AsyncIterator[Gateway]:
    async with server.gateway() as made:
        yield made


def row(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "orderId": number,
        "orderListId": -1,
        "clientOrderId": f"habcdefghijklmnop{number}",
        "price": "50000.00",
        "origQty": "0.010",
        "executedQty": "0.000",
        "cummulativeQuoteQty": "0.00",
        "status": "NEW",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
        "stopPrice": "0.00",
        "icebergQty": "0.000",
        "time": AT_MS + number,
        "updateTime": AT_MS + number,
        "isWorking": True,
        "workingTime": AT_MS + number,
        "origQuoteOrderQty": "0.00",
        "selfTradePreventionMode": "NONE",
        **changes,
    }


async def fresh(server: WireServer, symbol: str | None = None) -> tuple[OrderReport, ...]:
    """What a gateway says that never read a list before."""
    async with server.gateway() as made:
        return await made.open_orders(symbol)


def count(gateway: Gateway) -> list[Any]:
    """The rows that ccxt parses from now on."""
    parsed: list[Any] = []
    whole = gateway._client.safe_order

    def safe_order(order: Any, market: Any = None) -> Any:
        parsed.append(order["info"])
        return whole(order, market)

    gateway._client.safe_order = safe_order
    return parsed


@pytest.mark.parametrize("symbol", [None, SYMBOL])
async def test_only_news_are_parsed(server: WireServer, gateway: Gateway, symbol: str | None) -> None:
    """Of a list read again only what has changed or is new is parsed; what it shows is what it says now."""
    server.answer("GET", PATH, body=[row(number) for number in range(1, 5)])
    before = await gateway.open_orders(symbol)
    assert ["1", "2", "3", "4"] == [report.exchange_order_id for report in before]
    parsed = count(gateway)
    now = [row(5), row(2, executedQty="0.004", status="PARTIALLY_FILLED"), row(3), row(4)]
    server.answer("GET", PATH, body=now)
    after = await gateway.open_orders(symbol)
    assert {5, 2} == {int(raw["orderId"]) for raw in parsed}
    assert await fresh(server, symbol) == after
    del parsed[:]
    assert after == await gateway.open_orders(symbol)
    assert [] == parsed
    server.answer("GET", PATH, body=[row(1)])
    assert await fresh(server, symbol) == await gateway.open_orders(symbol)
    assert [1] == [int(raw["orderId"]) for raw in parsed]  # it had left the list meanwhile


@pytest.mark.parametrize("name", CHANGES)
async def test_whatever_field_changes_is_read(server: WireServer, gateway: Gateway, name: str) -> None:
    """Each field that an exchange tells makes a row news, alone, come or gone."""
    for old, new in (
        (row(1), row(1, **{name: CHANGES[name]})),
        (row(1), {key: value for key, value in row(1).items() if key != name}),
        (row(1), row(1, **{name: None})),
    ):
        server.answer("GET", PATH, body=[old])
        await gateway.open_orders(SYMBOL)
        server.answer("GET", PATH, body=[new])
        try:
            expected = await fresh(server, SYMBOL)
        except HoldfastError:
            with pytest.raises(HoldfastError):
                await gateway.open_orders(SYMBOL)
        else:
            assert expected == await gateway.open_orders(SYMBOL)


async def test_other_reads_are_parsed_in_full(server: WireServer, gateway: Gateway) -> None:
    """A row of a list does not stand for the same order asked for by itself, nor after new instruments."""
    server.answer("GET", PATH, body=[row(1)])
    server.answer("GET", "/api/v3/order", body=row(1))
    server.answer("GET", "/api/v3/allOrders", body=[row(1)])
    (listed,) = await gateway.open_orders()
    parsed = count(gateway)
    found = await gateway.find_order(SYMBOL, exchange_order_id="1")
    assert found is not None
    assert replace(listed, raw={}) == replace(found, raw={})
    await gateway.closed_orders(SYMBOL, AT_MS)
    assert 2 == len(parsed)
    await gateway.instruments()
    assert (listed,) == await gateway.open_orders()
    assert 3 == len(parsed)


async def test_a_read_that_failed_changes_nothing(server: WireServer, gateway: Gateway) -> None:
    """After an answer that is no list, what was remembered is still compared with what comes."""
    server.answer("GET", PATH, body=[row(1), row(2)])
    before = await gateway.open_orders()
    for status, body in ((500, "{}"), (200, "<html></html>"), (200, [row(1), {"orderId": 2}])):
        server.answer("GET", PATH, status, body)
        with pytest.raises(HoldfastError):
            await gateway.open_orders()
    parsed = count(gateway)
    server.answer("GET", PATH, body=[row(1), row(2)])
    assert before == await gateway.open_orders()
    assert [] == parsed
