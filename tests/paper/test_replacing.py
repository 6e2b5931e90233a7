"""Cancel-replace, cancel restrictions, self-trade prevention and order lists answer as documented."""

from typing import Any

import pytest

from engine.paper.server import PaperExchange
from tests.paper.clients import Bare

NEW = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.02",
    "price": "41000",
}


async def replace(bare: Bare, mode: str = "STOP_ON_FAILURE", **params: Any) -> tuple[int, Any]:
    return await bare.send("POST", "/api/v3/order/cancelReplace", cancelReplaceMode=mode, **{**NEW, **params})


async def open_ids(bare: Bare) -> list[Any]:
    _, found = await bare.send("GET", "/api/v3/openOrders", symbol="BTCUSDT")
    return [one["orderId"] for one in found]


async def test_replaces(bare: Bare) -> None:
    """The old order is canceled, the new one placed, and both answers are told."""
    _, old = await bare.order()
    status, shown = await replace(bare, cancelOrderId=old["orderId"], cancelNewClientOrderId="bye")
    assert (200, "SUCCESS", "SUCCESS") == (status, shown["cancelResult"], shown["newOrderResult"])
    assert ("CANCELED", "bye") == (
        shown["cancelResponse"]["status"],
        shown["cancelResponse"]["clientOrderId"],
    )
    assert [shown["newOrderResponse"]["orderId"]] == await open_ids(bare)


async def test_failed_cancel(bare: Bare) -> None:
    """STOP_ON_FAILURE attempts nothing more (-2022), ALLOW_FAILURE places all the same (-2021, 409)."""
    status, shown = await replace(bare, cancelOrderId=99)
    assert (400, -2022) == (status, shown["code"])
    assert {
        "cancelResult": "FAILURE",
        "newOrderResult": "NOT_ATTEMPTED",
        "cancelResponse": {"code": -2011, "msg": "Unknown order sent."},
        "newOrderResponse": None,
    } == shown["data"]
    assert [] == await open_ids(bare)
    status, shown = await replace(bare, "ALLOW_FAILURE", cancelOrigClientOrderId="none")
    assert (409, -2021, "Order cancel-replace partially failed.") == (status, shown["code"], shown["msg"])
    assert ("FAILURE", "SUCCESS") == (shown["data"]["cancelResult"], shown["data"]["newOrderResult"])
    assert [shown["data"]["newOrderResponse"]["orderId"]] == await open_ids(bare)


async def test_failed_placement(bare: Bare) -> None:
    """A new order that is refused leaves the old one canceled (-2021); with both refused it is -2022."""
    _, old = await bare.order()
    status, shown = await replace(bare, cancelOrderId=old["orderId"], quantity="100")
    assert (409, -2021) == (status, shown["code"])
    assert ("SUCCESS", "FAILURE") == (shown["data"]["cancelResult"], shown["data"]["newOrderResult"])
    assert -2010 == shown["data"]["newOrderResponse"]["code"]
    status, shown = await replace(bare, "ALLOW_FAILURE", cancelOrderId=old["orderId"], quantity="100")
    assert (400, -2022) == (status, shown["code"])
    assert ("FAILURE", "FAILURE") == (shown["data"]["cancelResult"], shown["data"]["newOrderResult"])
    assert [] == await open_ids(bare)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"price": "41000.001"}, -1013),
        ({"price": None}, -1102),
        ({"cancelOrderId": None}, -1102),
        ({"cancelReplaceMode": "SOMEHOW"}, -1130),
        ({"surprise": "1"}, -1104),
    ],
)
async def test_checks_come_first(bare: Bare, change: dict[str, Any], code: int) -> None:
    """Parameters and filters are checked before anything is canceled."""
    _, old = await bare.order()
    sent = {"cancelReplaceMode": "ALLOW_FAILURE", "cancelOrderId": old["orderId"], **NEW, **change}
    kept = {name: value for name, value in sent.items() if value is not None}
    status, shown = await bare.send("POST", "/api/v3/order/cancelReplace", **kept)
    assert (400, code) == (status, shown["code"])
    assert [old["orderId"]] == await open_ids(bare)


async def test_cancel_restrictions(bare: Bare, other: Bare) -> None:
    """ONLY_NEW and ONLY_PARTIALLY_FILLED keep an order that is in another state."""
    _, old = await bare.order(price="50005", quantity="0.2")
    place = ("DELETE", "/api/v3/order")
    given = {"symbol": "BTCUSDT", "orderId": old["orderId"]}
    status, shown = await bare.send(*place, **given, cancelRestrictions="ONLY_PARTIALLY_FILLED")
    told = "Order was not canceled due to cancel restrictions."
    assert (400, -2011, told) == (status, shown["code"], shown["msg"])
    await other.market("SELL", "0.1")
    assert -2011 == (await bare.send(*place, **given, cancelRestrictions="ONLY_NEW"))[1]["code"]
    assert -1145 == (await bare.send(*place, **given, cancelRestrictions="ONLY_ME"))[1]["code"]
    assert 200 == (await bare.send(*place, **given, cancelRestrictions="ONLY_PARTIALLY_FILLED"))[0]


@pytest.mark.parametrize(
    ("mode", "taker", "makers", "quantities"),
    [
        ("EXPIRE_TAKER", "EXPIRED_IN_MATCH", ("NEW", "NEW"), ("0.30000000", None)),
        ("EXPIRE_MAKER", "NEW", ("EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH"), (None, "0.10000000")),
        ("EXPIRE_BOTH", "EXPIRED_IN_MATCH", ("EXPIRED_IN_MATCH", "NEW"), ("0.30000000", "0.10000000")),
    ],
)
async def test_self_trade_prevention(
    bare: Bare, mode: str, taker: str, makers: tuple[str, str], quantities: tuple[str | None, str | None]
) -> None:
    """The taker's mode decides whose rest expires; locks come back and a prevented match is on record."""
    _, first = await bare.order(side="SELL", quantity="0.1", price="50005")
    _, second = await bare.order(side="SELL", quantity="0.1", price="50006")
    _, shown = await bare.order(quantity="0.3", price="50007", selfTradePreventionMode=mode)
    assert (taker, mode, "0.00000000") == (
        shown["status"],
        shown["selfTradePreventionMode"],
        shown["executedQty"],
    )
    found = [(await bare.query(orderId=one["orderId"]))[1]["status"] for one in (first, second)]
    assert list(makers) == found
    params = {"symbol": "BTCUSDT", "orderId": shown["orderId"]}
    _, matches = await bare.send("GET", "/api/v3/myPreventedMatches", **params)
    assert list(range(max(makers.count("EXPIRED_IN_MATCH"), 1))) == [
        one["preventedMatchId"] for one in matches
    ]
    assert quantities == (
        matches[0].get("takerPreventedQuantity"),
        matches[0].get("makerPreventedQuantity"),
    )
    assert (first["orderId"], "50005.00000000", mode) == (
        matches[0]["makerOrderId"],
        matches[0]["price"],
        matches[0]["selfTradePreventionMode"],
    )
    _, by_id = await bare.send("GET", "/api/v3/myPreventedMatches", symbol="BTCUSDT", preventedMatchId=0)
    assert matches[:1] == by_id


async def test_prevention_trades_with_others_first(bare: Bare, other: Bare, paper: PaperExchange) -> None:
    """What others offer better is traded; only the rest that would meet the own order expires."""
    await other.order(side="SELL", quantity="0.1", price="50004")
    await bare.order(side="SELL", quantity="0.1", price="50005", newClientOrderId="mine")
    given = {"quantity": "0.3", "price": "50007", "selfTradePreventionMode": "EXPIRE_TAKER"}
    async with bare.session.ws_connect(f"{paper.ws_url}/ws-api/v3") as socket:
        await socket.send_json(bare.ws_subscription(1))
        await socket.receive_json(timeout=5)
        _, shown = await bare.order(**given)
        reports = [await socket.receive_json(timeout=5) for _ in range(3)]
    assert ("EXPIRED_IN_MATCH", "0.10000000", "0.20000000") == (
        shown["status"],
        shown["executedQty"],
        shown["preventedQuantity"],
    )
    events = [one["event"] for one in reports]
    assert ["NEW", "TRADE", "TRADE_PREVENTION"] == [one["x"] for one in events]
    assert ("EXPIRED_IN_MATCH", "0.20000000", "50005.00000000", "EXPIRE_TAKER") == tuple(
        events[2][name] for name in ("X", "A", "pL", "V")
    )
    assert "NEW" == (await bare.query(origClientOrderId="mine"))[1]["status"]


async def test_fill_or_kill_does_not_count_own_orders(bare: Bare, other: Bare) -> None:
    """An order that must fill at once is not filled by what prevention would expire."""
    await bare.order(side="SELL", quantity="0.1", price="50005")
    await other.order(side="SELL", quantity="0.1", price="50006")
    given = {"price": "50006", "timeInForce": "FOK", "selfTradePreventionMode": "EXPIRE_MAKER"}
    assert "EXPIRED" == (await bare.order(**given, quantity="0.2"))[1]["status"]
    assert "FILLED" == (await bare.order(**given, quantity="0.1"))[1]["status"]


async def test_account_reads(bare: Bare) -> None:
    """Fees, order counts and the order test's fees are told in Binance's shapes."""
    _, fees = await bare.send("GET", "/api/v3/account/commission", symbol="BTCUSDT")
    assert {"maker": "0.00100000", "taker": "0.00100000"}.items() <= fees["standardCommission"].items()
    assert (False, "BNB") == (fees["discount"]["enabledForAccount"], fees["discount"]["discountAsset"])
    await bare.order()
    _, counts = await bare.send("GET", "/api/v3/rateLimit/order")
    assert [("SECOND", 1), ("DAY", 1)] == [(one["interval"], one["count"]) for one in counts]
    _, tried = await bare.send("POST", "/api/v3/order/test", **NEW, computeCommissionRates="true")
    assert {"maker": "0.00100000", "taker": "0.00100000"} == tried["standardCommissionForOrder"]
    _, fee = await bare.send("GET", "/sapi/v1/asset/tradeFee", symbol="ETHBTC")
    assert [{"symbol": "ETHBTC", "makerCommission": "0.00100000", "takerCommission": "0.00100000"}] == fee
    assert (await bare.send("GET", "/sapi/v1/account/apiRestrictions"))[1]["enableSpotAndMarginTrading"]


async def test_what_never_happens_here(bare: Bare) -> None:
    """Amendments and allocations are empty lists; the account's filters are the symbol's."""
    assert (200, []) == await bare.send("GET", "/api/v3/order/amendments", symbol="BTCUSDT", orderId=1)
    assert (200, []) == await bare.send("GET", "/api/v3/myAllocations", symbol="BTCUSDT")
    _, shown = await bare.send("GET", "/api/v3/myFilters", symbol="BTCUSDT")
    assert "PRICE_FILTER" == shown["symbolFilters"][0]["filterType"]


async def test_order_lists_are_refused(bare: Bare) -> None:
    """Order lists cannot be placed, and there are none."""
    status, shown = await bare.send("POST", "/api/v3/orderList/oco", symbol="BTCUSDT", quantity="1")
    assert (400, -1013, "OCO orders are not supported for this symbol.") == (
        status,
        shown["code"],
        shown["msg"],
    )
    assert (200, []) == await bare.send("GET", "/api/v3/openOrderList")
    assert (200, []) == await bare.send("GET", "/api/v3/allOrderList")
    assert -2013 == (await bare.send("GET", "/api/v3/orderList", orderListId=1))[1]["code"]
    assert (
        -2011 == (await bare.send("DELETE", "/api/v3/orderList", symbol="BTCUSDT", orderListId=1))[1]["code"]
    )


async def test_lists_are_limited(bare: Bare) -> None:
    """A list spans at most a day and a thousand rows, and mixes only what Binance lets mix."""
    day = 24 * 3_600_000
    for path in ("/api/v3/allOrders", "/api/v3/myTrades"):
        start = bare.paper.clock.now_ms() - 2 * day
        given = {"symbol": "BTCUSDT", "startTime": start}
        assert -1127 == (await bare.send("GET", path, **given, endTime=start + day + 1))[1]["code"]
        assert (200, []) == await bare.send("GET", path, **given, endTime=start + day, limit=5000)
        assert -1130 == (await bare.send("GET", path, **given, limit=0))[1]["code"]
    assert -1128 == (await bare.send("GET", "/api/v3/myTrades", **given, fromId=1))[1]["code"]
    _, first = await bare.market("BUY", "0.01")
    await bare.market("BUY", "0.01")
    given = {"symbol": "BTCUSDT", "orderId": first["orderId"]}
    _, trades = await bare.send("GET", "/api/v3/myTrades", **given, fromId=1)
    assert [first["orderId"]] == [one["orderId"] for one in trades]
