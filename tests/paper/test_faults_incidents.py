"""What happens to orders, money and reads beside their answers, each by its name."""

from typing import Any

import pytest

from engine.paper.server import PaperExchange
from tests.paper.clients import Bare

POST = {"method": "POST", "path": "/api/v3/order"}


@pytest.mark.parametrize(
    ("code", "status"), [(-1000, 500), (-1001, 500), (-1006, 500), (-1007, 504), (-1008, 503), (-1016, 503)]
)
async def test_unknown_status_codes(bare: Bare, code: int, status: int) -> None:
    """Each code after which nobody knows comes with its usual HTTP status, processed or not."""
    await bare.control("POST", "/faults", kind="unknown_after", code=code, match=POST)
    await bare.control("POST", "/faults", kind="unknown_before", code=code, status=400, match=POST)
    got, shown = await bare.order(newClientOrderId="a")
    assert (status, code) == (got, shown["code"])
    got, shown = await bare.order(newClientOrderId="b")
    assert (400, code) == (got, shown["code"])
    assert 200 == (await bare.query(origClientOrderId="a"))[0]
    assert 400 == (await bare.query(origClientOrderId="b"))[0]


async def test_a_storm_of_429_and_418(bare: Bare) -> None:
    """A rule answers so many requests in a row with 429 or 418 and its Retry-After, and then lets them in."""
    await bare.control("POST", "/faults", kind="rate_limited", count=3, retry_after_s=7, match=POST)
    await bare.control("POST", "/faults", kind="rate_limited", count=2, status=418, match=POST)
    seen = []
    for _ in range(6):
        status, _ = await bare.order()
        seen.append((status, bare.headers.get("Retry-After")))
    assert [(429, "7"), (429, "7"), (429, "7"), (418, "1"), (418, "1"), (200, None)] == seen


async def test_an_existing_order_is_not_found(bare: Bare) -> None:
    """A query says -2013 and a cancel -2011 although the order is there; the cancel did nothing."""
    await bare.order(newClientOrderId="a")
    await bare.control("POST", "/faults", kind="not_found", count=2)
    assert -2013 == (await bare.query(origClientOrderId="a"))[1]["code"]
    cancel = {"symbol": "BTCUSDT", "origClientOrderId": "a"}
    assert -2011 == (await bare.send("DELETE", "/api/v3/order", **cancel))[1]["code"]
    assert "NEW" == (await bare.query(origClientOrderId="a"))[1]["status"]


@pytest.mark.parametrize(("given", "rows"), [({}, 2), ({"keep": 3}, 3), ({"keep": 0}, 0)])
async def test_missing_pages(bare: Bare, given: dict[str, Any], rows: int) -> None:
    """A list ends too early, by half or after so many rows."""
    for _ in range(4):
        await bare.order()
    await bare.control("POST", "/faults", kind="missing_pages", **given)
    assert rows == len((await bare.send("GET", "/api/v3/openOrders", symbol="BTCUSDT"))[1])
    assert 4 == len((await bare.send("GET", "/api/v3/openOrders", symbol="BTCUSDT"))[1])


async def test_partial_fills_in_a_burst(bare: Bare) -> None:
    """The answer says NEW; right after it the order is filled in parts, at its own price."""
    await bare.control("POST", "/faults", kind="partial_fills", parts=4)
    _, placed = await bare.order(quantity="0.01001")
    assert "NEW" == placed["status"]
    _, trades = await bare.send("GET", "/api/v3/myTrades", symbol="BTCUSDT")
    assert ["0.00250000"] * 3 + ["0.00251000"] == [trade["qty"] for trade in trades]
    assert {"40000.00000000"} == {trade["price"] for trade in trades}
    assert "FILLED" == (await bare.query(orderId=placed["orderId"]))[1]["status"]


async def test_partial_fills_later(bare: Bare) -> None:
    """With a delay the burst comes by the exchange's clock."""
    await bare.control("POST", "/clock", freeze=True)
    await bare.control("POST", "/faults", kind="partial_fills", delay_s=5)
    _, placed = await bare.order()
    await bare.control("POST", "/clock", advance_ms=4999)
    assert "NEW" == (await bare.query(orderId=placed["orderId"]))[1]["status"]
    await bare.control("POST", "/clock", advance_ms=1)
    assert "FILLED" == (await bare.query(orderId=placed["orderId"]))[1]["status"]


async def test_fee_asset_change_inside_one_order(bare: Bare) -> None:
    """Fills of one order pay in what is received and in a third asset by turns, checked by the oracle."""
    await bare.paper_deposit("BNB", 1)
    await bare.control("POST", "/faults", kind="fee_asset_change", parts=4, asset="BNB")
    _, placed = await bare.order()
    _, trades = await bare.send("GET", "/api/v3/myTrades", symbol="BTCUSDT", orderId=placed["orderId"])
    assert ["BTC", "BNB", "BTC", "BNB"] == [trade["commissionAsset"] for trade in trades]


async def test_the_oracle_computes_third_asset_fees(bare: Bare, paper: PaperExchange) -> None:
    """A fee in a third asset that is not rate, discount and price at execution is found and named."""
    await bare.paper_deposit("BNB", 1)
    await bare.control("POST", "/accounts", key=bare.key, fee_asset="BNB")
    await bare.market("BUY", "0.1")
    facts = paper.record.facts
    place = next(number for number, fact in enumerate(facts) if fact[0] == "fill")
    true = facts[place]
    facts[place] = (*true[:6], true[6] + 1, *true[7:])
    _, shown = await bare.control("GET", "/oracle")
    assert (1, False) == (len(shown["checks"]["fees"]), shown["consistent"])
    facts[place] = true
    paper.oracle = type(paper.oracle)(paper.record)
    _, shown = await bare.control("GET", "/oracle")
    assert {name: [] for name in shown["checks"]} == shown["checks"]
    assert shown["consistent"]


async def test_fill_after_cancel(bare: Bare) -> None:
    """The cancel answers that nothing was executed; then the fill appears, and the order is filled."""
    await bare.control("POST", "/clock", freeze=True)
    await bare.order(newClientOrderId="a")
    await bare.control("POST", "/faults", kind="fill_after_cancel", delay_s=2)
    cancel = {"symbol": "BTCUSDT", "origClientOrderId": "a"}
    status, shown = await bare.send("DELETE", "/api/v3/order", **cancel)
    assert (200, "CANCELED", "0.00000000") == (status, shown["status"], shown["executedQty"])
    assert "CANCELED" == (await bare.query(origClientOrderId="a"))[1]["status"]
    await bare.control("POST", "/clock", advance_ms=2000)
    _, shown = await bare.query(origClientOrderId="a")
    assert ("FILLED", "0.01000000") == (shown["status"], shown["executedQty"])
    assert "2.00999000" == (await bare.balance("BTC"))[0]


async def test_fill_after_cancel_as_far_as_money_covers_it(bare: Bare, paper: PaperExchange) -> None:
    """If the money is gone by then, the fill is smaller, the order stays canceled, nothing goes negative."""
    _, placed = await bare.order(quantity="1")
    await bare.send("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=placed["orderId"])
    paper.deposit(bare.key, "USDT", -90_000 * 10**8)
    await bare.control("POST", "/fill", account=bare.key, symbol="BTCUSDT", orderId=placed["orderId"])
    _, shown = await bare.query(orderId=placed["orderId"])
    assert ("CANCELED", "0.25000000") == (shown["status"], shown["executedQty"])


async def test_fills_by_order(bare: Bare) -> None:
    """The control port fills one order in parts, and knows whose it is."""
    await bare.order(newClientOrderId="a")
    given = {"account": bare.key, "symbol": "BTCUSDT", "origClientOrderId": "a"}
    status, shown = await bare.control("POST", "/fill", **given, parts=2)
    assert (200, "FILLED") == (status, shown["status"])
    assert 400 == (await bare.control("POST", "/fill", **{**given, "origClientOrderId": "b"}))[0]
    foreign = {"account": "other-key", "symbol": "BTCUSDT", "orderId": shown["orderId"]}
    assert 400 == (await bare.control("POST", "/fill", **foreign))[0]


@pytest.mark.parametrize(("prevention", "status"), [("NONE", "FILLED"), ("EXPIRE_MAKER", "EXPIRED_IN_MATCH")])
async def test_self_trade(bare: Bare, prevention: str, status: str) -> None:
    """The owner's opposite order trades with the account's own, or expires it in the match."""
    await bare.control("POST", "/faults", kind="self_trade", prevention=prevention)
    _, placed = await bare.order(price="50005")
    assert "NEW" == placed["status"]
    assert status == (await bare.query(orderId=placed["orderId"]))[1]["status"]


async def test_deposits_and_withdrawals_beside_orders(bare: Bare) -> None:
    """Money comes and goes around an order; what is not there is not withdrawn."""
    await bare.control("POST", "/faults", kind="deposit", asset="BNB", amount="2.5")
    await bare.control("POST", "/faults", kind="withdrawal", asset="BNB", amount="1")
    await bare.control("POST", "/faults", kind="withdrawal", asset="BNB", amount="100")
    free = []
    for _ in range(3):
        assert 200 == (await bare.order())[0]
        free.append((await bare.balance("BNB"))[0])
    assert ["2.50000000", "1.50000000", "1.50000000"] == free


async def test_a_manual_order_of_the_owner(bare: Bare) -> None:
    """The account's owner places and cancels by hand; filters and refusals are the same."""
    given = {"account": bare.key, "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    status, shown = await bare.control("POST", "/order", **given, quantity="0.01", price="40000")
    assert (200, "NEW") == (status, shown["status"])
    assert [shown["orderId"]] == [
        order["orderId"] for order in (await bare.send("GET", "/api/v3/openOrders", symbol="BTCUSDT"))[1]
    ]
    assert (400, -1013) == _code(await bare.control("POST", "/order", **given, quantity="1", price="0.001"))
    cancel = {"account": bare.key, "symbol": "BTCUSDT", "orderId": shown["orderId"]}
    assert 200 == (await bare.control("POST", "/cancel", **cancel))[0]
    assert (400, -2011) == _code(await bare.control("POST", "/cancel", **cancel))


async def test_maintenance(bare: Bare) -> None:
    """System status says so and everything else is refused, streams too, until it is over."""
    await bare.control("POST", "/maintenance", on=True)
    assert {"status": 1, "msg": "system_maintenance"} == (await bare.raw("GET", "/sapi/v1/system/status"))[1]
    assert (503, -1000) == _code(await bare.order())
    url = f"{bare.paper.ws_url}/stream?streams=btcusdt@trade"
    async with bare.session.get(url, headers={"Upgrade": "websocket"}) as response:
        assert 503 == response.status
    await bare.control("POST", "/maintenance", on=False)
    assert 0 == (await bare.raw("GET", "/sapi/v1/system/status"))[1]["status"]
    assert 200 == (await bare.order())[0]


async def test_clock_step(bare: Bare) -> None:
    """The exchange's clock jumps just before a request: its time stamp is too old, or too new."""
    await bare.control("POST", "/clock", freeze=True)
    for step in (5001, -1001):
        await bare.control("POST", "/faults", kind="clock_step", step_ms=step, match=POST)
        assert (400, -1021) == _code(await bare.order())
    assert 200 == (await bare.order())[0]


def _code(answer: tuple[int, Any]) -> tuple[int, int]:
    return answer[0], answer[1]["code"]


async def test_faults_over_the_ws_api(bare: Bare, paper: PaperExchange) -> None:
    """An order over the ws-api meets the same faults; where REST would break, the socket is cut."""
    paper.clock.freeze()
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    given = {**order, "quantity": "0.01", "price": "40000", "newClientOrderId": "a", "apiKey": bare.key}
    given["timestamp"] = str(paper.clock.now_ms())
    text = "&".join(f"{name}={given[name]}" for name in sorted(given))
    given["signature"] = paper.matching.accounts[bare.key].sign(text)
    message = {"id": 1, "method": "order.place", "params": given}
    await bare.control("POST", "/faults", kind="unknown_before", code=-1006, match=POST)
    await bare.control("POST", "/faults", kind="html_200_after", match=POST)
    async with bare.session.ws_connect(f"{paper.ws_url}/ws-api/v3") as socket:
        await socket.send_json(message)
        shown = await socket.receive_json(timeout=5)
        assert (500, -1006) == (shown["status"], shown["error"]["code"])
        await socket.send_json(message)
        assert (await socket.receive(timeout=5)).type.name in {"CLOSE", "CLOSED", "ERROR"}
    assert "NEW" == (await bare.query(origClientOrderId="a"))[1]["status"]
