"""Every refusal carries Binance's code, message and HTTP status, and leaves nothing behind."""

from typing import Any

import pytest

from engine.paper.server import PaperExchange
from tests.paper.clients import Bare

NUMBERS = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"symbol": None}, -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."),
        ({"symbol": "NOPE"}, -1121, "Invalid symbol."),
        ({"side": None}, -1102, "Mandatory parameter 'side' was not sent, was empty/null, or malformed."),
        ({"side": "HOLD"}, -1117, "Invalid side."),
        ({"type": "GUESS"}, -1116, "Invalid orderType."),
        (
            {"timeInForce": None},
            -1102,
            "Mandatory parameter 'timeInForce' was not sent, was empty/null, or malformed.",
        ),
        ({"timeInForce": "SOON"}, -1115, "Invalid timeInForce."),
        ({"price": None}, -1102, "Mandatory parameter 'price' was not sent, was empty/null, or malformed."),
        (
            {"quantity": ""},
            -1102,
            "Mandatory parameter 'quantity' was not sent, was empty/null, or malformed.",
        ),
        (
            {"quantity": "NaN"},
            -1100,
            f"Illegal characters found in parameter 'quantity'; legal range is '{NUMBERS}'.",
        ),
        (
            {"quantity": "-1"},
            -1100,
            f"Illegal characters found in parameter 'quantity'; legal range is '{NUMBERS}'.",
        ),
        (
            {"price": "1e5"},
            -1100,
            f"Illegal characters found in parameter 'price'; legal range is '{NUMBERS}'.",
        ),
        (
            {"price": "9" * 40},
            -1100,
            f"Illegal characters found in parameter 'price'; legal range is '{NUMBERS}'.",
        ),
        ({"quantity": "0.123456789"}, -1111, "Parameter 'quantity' has too much precision."),
        ({"quantity": "0"}, -1013, "Invalid quantity."),
        ({"price": "0"}, -1013, "Invalid price."),
        ({"price": "40000.001"}, -1013, "Filter failure: PRICE_FILTER"),
        ({"price": "2000000"}, -1013, "Filter failure: PRICE_FILTER"),
        ({"quantity": "0.000001"}, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": "9001"}, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": "0.0001"}, -1013, "Filter failure: NOTIONAL"),
        ({"quantity": "8000"}, -1013, "Filter failure: NOTIONAL"),
        ({"type": "MARKET"}, -1106, "Parameter 'timeInForce' sent when not required."),
        ({"type": "MARKET", "timeInForce": None}, -1106, "Parameter 'price' sent when not required."),
        (
            {"type": "MARKET", "timeInForce": None, "price": None, "quantity": "151"},
            -1013,
            "Filter failure: MARKET_LOT_SIZE",
        ),
        (
            {"type": "MARKET", "timeInForce": None, "price": None, "quoteOrderQty": "10"},
            -1128,
            "Combination of optional parameters invalid.",
        ),
        ({"quoteOrderQty": "10"}, -1106, "Parameter 'quoteOrderQty' sent when not required."),
        ({"newClientOrderId": "not good"}, -1100, None),
        ({"newClientOrderId": "x" * 37}, -1100, None),
        ({"newOrderRespType": "ALL"}, -1130, "Data sent for parameter 'newOrderRespType' is not valid."),
        (
            {"surprise": "1"},
            -1104,
            "Not all sent parameters were read; read '8' parameter(s) but was sent '9'.",
        ),
        ({"quantity": "5"}, -2010, "Account has insufficient balance for requested action."),
        (
            {"side": "SELL", "quantity": "2.1"},
            -2010,
            "Account has insufficient balance for requested action.",
        ),
        (
            {"type": "LIMIT_MAKER", "timeInForce": None, "price": "50010"},
            -2010,
            "Order would immediately match and take.",
        ),
    ],
)
async def test_order_refusals(
    bare: Bare, paper: PaperExchange, change: dict[str, Any], code: int, message: str | None
) -> None:
    """An order that Binance would refuse is refused with its code and its words."""
    status, shown = await bare.order(**change)
    assert (400, code) == (status, shown["code"])
    assert message in (None, shown["msg"])
    assert not paper.oracle.shown(paper.matching)["accounts"][bare.key]["orders"]


async def test_test_order_checks_and_places_nothing(bare: Bare) -> None:
    """order/test answers {} or the refusal, and no order exists afterwards."""
    sent = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "40000"}
    assert (200, {}) == await bare.send("POST", "/api/v3/order/test", **sent, quantity="0.01")
    status, shown = await bare.send("POST", "/api/v3/order/test", **sent, quantity="0.000001")
    assert (400, -1013) == (status, shown["code"])
    assert (200, []) == await bare.send("GET", "/api/v3/openOrders", symbol="BTCUSDT")


async def test_client_order_id_is_unique_among_open_orders_only(bare: Bare) -> None:
    """The same id is refused while its order is open and makes a second order once it is done."""
    _, first = await bare.order(newClientOrderId="same")
    status, shown = await bare.order(newClientOrderId="same")
    assert (400, -2010, "Duplicate order sent.") == (status, shown["code"], shown["msg"])
    await bare.send("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="same")
    status, second = await bare.order(newClientOrderId="same")
    assert 200 == status
    assert first["orderId"] < second["orderId"]
    assert second["orderId"] == (await bare.query(origClientOrderId="same"))[1]["orderId"]


async def test_unknown_orders(bare: Bare, other: Bare) -> None:
    """Queries say -2013, cancels -2011; another account's order is as unknown as none."""
    _, foreign = await other.order()
    for order_id in (foreign["orderId"], 999):
        assert (400, -2013) == _code(await bare.query(orderId=order_id))
        cancel = await bare.send("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=order_id)
        assert (400, -2011) == _code(cancel)
    assert (400, -1102) == _code(await bare.query())
    assert (400, -2011) == _code(await bare.send("DELETE", "/api/v3/openOrders", symbol="BTCUSDT"))


async def test_signature(bare: Bare) -> None:
    """The signature covers exactly what was sent: a wrong, a missing or a reordered one is refused."""
    now = bare.paper.clock.now_ms()
    query = f"timestamp={now}&recvWindow=5000"
    assert 200 == (await bare.send_text("GET", "/api/v3/account", query))[0]
    assert (400, -1022) == _code(await bare.send_text("GET", "/api/v3/account", query, "0" * 64))
    assert (400, -1022) == _code(await bare.send_text("GET", "/api/v3/account", query, "ünknown"))
    assert (400, -1102) == _code(await bare.raw("GET", f"/api/v3/account?{query}"))
    assert (400, -1102) == _code(await bare.raw("GET", "/api/v3/account?signature=aa"))
    bare.key = "nobody"
    assert (401, -2015) == _code(await bare.send_text("GET", "/api/v3/account", query))
    bare.key = "not a key"
    assert (401, -2014) == _code(await bare.send_text("GET", "/api/v3/account", query))


@pytest.mark.parametrize(
    ("offset_ms", "window", "code"),
    [
        (0, "5000", 0),
        (-4000, "5000", 0),
        (-6000, "5000", -1021),
        (-6000, "60000", 0),
        (900, "5000", 0),
        (1500, "5000", -1021),
        (0, "60001", -1131),
        (0, "abc", -1100),
    ],
)
async def test_validity_window(bare: Bare, offset_ms: int, window: str, code: int) -> None:
    """A request is valid from a second before its time stamp until recvWindow after it."""
    bare.paper.clock.freeze()
    sent = bare.paper.clock.now_ms() + offset_ms
    _, shown = await bare.send("GET", "/api/v3/openOrders", timestamp=sent, recvWindow=window)
    assert code == (shown["code"] if isinstance(shown, dict) else 0)


async def test_unknown_path(bare: Bare) -> None:
    """What is not there is answered with 404, in JSON."""
    assert 404 == (await bare.raw("GET", "/api/v3/nothing"))[0]
    assert 404 == (await bare.raw("DELETE", "/api/v3/time"))[0]


async def test_weight_headers(bare: Bare) -> None:
    """Every answer tells the used weight; orders tell the order count, refused ones too."""
    await bare.raw("GET", "/api/v3/time")
    assert "1" == bare.headers["x-mbx-used-weight-1m"]
    await bare.order()
    assert ("2", "1") == (bare.headers["x-mbx-used-weight-1m"], bare.headers["x-mbx-order-count-10s"])
    await bare.order(quantity="5")
    assert "2" == bare.headers["x-mbx-order-count-10s"]
    await bare.send("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
    assert "x-mbx-order-count-10s" not in bare.headers


def _code(answer: tuple[int, Any]) -> tuple[int, int]:
    return answer[0], answer[1]["code"]
