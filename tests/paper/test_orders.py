"""Order types, partial fills, fees and locks, to the last digit."""

from engine.paper.server import PaperExchange
from tests.paper.clients import Bare


async def test_immediate_or_cancel(bare: Bare) -> None:
    """IOC takes what is there up to its limit and expires the rest, giving the lock back."""
    _, shown = await bare.order(quantity="6", price="50010", timeInForce="IOC", newClientOrderId="ioc")
    assert -2010 == shown["code"]
    await bare.paper_deposit("USDT", 300_000)
    _, shown = await bare.order(quantity="6", price="50010", timeInForce="IOC", newClientOrderId="ioc")
    assert ("EXPIRED", "5.00000000") == (shown["status"], shown["executedQty"])
    assert ("149950.00000000", "0.00000000") == await bare.balance("USDT")
    assert ("6.99500000", "0.00000000") == await bare.balance("BTC")


async def test_fill_or_kill(bare: Bare) -> None:
    """FOK takes all or nothing."""
    await bare.paper_deposit("USDT", 300_000)
    _, shown = await bare.order(quantity="6", price="50010", timeInForce="FOK")
    assert ("EXPIRED", "0.00000000", []) == (shown["status"], shown["executedQty"], shown["fills"])
    _, shown = await bare.order(quantity="5", price="50010", timeInForce="FOK")
    assert "FILLED" == shown["status"]


async def test_price_time_priority_and_partial_fills(bare: Bare, other: Bare) -> None:
    """The better price trades first, then the older order; a rest keeps its place on the book."""
    _, low = await bare.order(price="50001", quantity="0.1")
    _, older = await bare.order(price="50002", quantity="0.1")
    _, newer = await other.order(price="50002", quantity="0.1")
    _, sold = await other.market("SELL", "0.15")
    assert [("50002.00000000", "0.10000000"), ("50002.00000000", "0.05000000")] == [
        (fill["price"], fill["qty"]) for fill in sold["fills"]
    ]
    assert "FILLED" == (await bare.query(orderId=older["orderId"]))[1]["status"]
    _, half = await other.query(orderId=newer["orderId"])
    assert ("PARTIALLY_FILLED", "0.05000000") == (half["status"], half["executedQty"])
    assert "NEW" == (await bare.query(orderId=low["orderId"]))[1]["status"]


async def test_limit_locks_and_releases(bare: Bare) -> None:
    """A buy locks price times quantity; a better price gives the difference back at once."""
    await bare.order(quantity="0.5", price="40000")
    assert ("80000.00000000", "20000.00000000") == await bare.balance("USDT")
    await bare.order(quantity="1", price="60000")
    assert ("29990.00000000", "20000.00000000") == await bare.balance("USDT")
    await bare.order(side="SELL", quantity="0.3", price="70000")
    assert ("2.69900000", "0.30000000") == await bare.balance("BTC")
    _, canceled = await bare.send("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
    assert 2 == len(canceled)
    assert ("49990.00000000", "0.00000000") == await bare.balance("USDT")


async def test_quote_quantity(bare: Bare) -> None:
    """A market order by quote amount trades whole lots within that amount."""
    _, shown = await bare.market("BUY", quoteOrderQty="1000")
    assert ("0.01999000", "999.69990000") == (shown["executedQty"], shown["cummulativeQuoteQty"])
    _, shown = await bare.market("SELL", quoteOrderQty="1000")
    assert ("0.02000000", "FILLED") == (shown["executedQty"], shown["status"])


async def test_market_order_beyond_the_book_expires(bare: Bare) -> None:
    """A market order takes what the book has; nobody invents liquidity."""
    await bare.paper_deposit("BTC", 10)
    _, shown = await bare.market("SELL", "7")
    assert ("EXPIRED", "5.00000000") == (shown["status"], shown["executedQty"])


async def test_response_types(bare: Bare) -> None:
    """ACK, RESULT and FULL tell as much as their names say."""
    _, ack = await bare.order(newOrderRespType="ACK")
    assert {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"} == set(ack)
    _, result = await bare.order(newOrderRespType="RESULT")
    assert ("NEW", False) == (result["status"], "fills" in result)
    _, full = await bare.order(newOrderRespType="FULL")
    assert [] == full["fills"]


async def test_fee_asset_changes_within_one_order(bare: Bare, other: Bare, paper: PaperExchange) -> None:
    """Fees go to BNB while there is enough, decided per fill; rates and rebates are per account."""
    paper.outside.pin("BNBUSDT", 600 * 10**8 - 10**6, 600 * 10**8 + 10**6, 10**11)
    await bare.order(quantity="0.2", price="50005", newClientOrderId="two")
    await other.market("SELL", "0.1")
    await bare.paper_deposit("BNB", 1)
    assert (
        200
        == (await bare.control("POST", "/accounts", key=bare.key, fee_asset="BNB", maker_rate="0.0008"))[0]
    )
    await other.market("SELL", "0.1")
    _, trades = await bare.send("GET", "/api/v3/myTrades", symbol="BTCUSDT")
    assert [("0.00010000", "BTC"), ("0.00500050", "BNB")] == [
        (trade["commission"], trade["commissionAsset"]) for trade in trades
    ]
    await bare.market("BUY", "0.1", symbol="BNBUSDT")
    await bare.control("POST", "/accounts", key=bare.key, fee_asset=None, maker_rate="-0.0001")
    await bare.order(quantity="0.1", price="50005")
    await other.market("SELL", "0.1")
    _, trades = await bare.send("GET", "/api/v3/myTrades", symbol="BTCUSDT")
    assert ("-0.00001000", "BTC") == (trades[-1]["commission"], trades[-1]["commissionAsset"])


async def test_self_trade(bare: Bare) -> None:
    """Two orders of one account may trade; both sides are reported with one trade id."""
    _, resting = await bare.order(side="SELL", quantity="0.1", price="50005")
    _, taking = await bare.order(side="BUY", quantity="0.1", price="50005")
    _, trades = await bare.send("GET", "/api/v3/myTrades", symbol="BTCUSDT")
    assert {resting["orderId"], taking["orderId"]} == {trade["orderId"] for trade in trades}
    assert 1 == len({trade["id"] for trade in trades})
    assert ("1.99990000", "0.00000000") == await bare.balance("BTC")
    assert ("99994.99950000", "0.00000000") == await bare.balance("USDT")


async def test_lists_page(bare: Bare) -> None:
    """Orders and own trades page by id, limit and time; the newest come without a start."""
    ids = [(await bare.market("BUY", "0.01"))[1]["orderId"] for _ in range(5)]
    path, symbol = "/api/v3/allOrders", "BTCUSDT"
    assert ids[3:] == [one["orderId"] for one in (await bare.send("GET", path, symbol=symbol, limit=2))[1]]
    _, page = await bare.send("GET", path, symbol=symbol, orderId=ids[1], limit=2)
    assert ids[1:3] == [one["orderId"] for one in page]
    _, trades = await bare.send("GET", "/api/v3/myTrades", symbol=symbol, fromId=2, limit=3)
    assert [2, 3, 4] == [trade["id"] for trade in trades]
    start = bare.paper.clock.now_ms() + 1000
    assert [] == (await bare.send("GET", path, symbol=symbol, startTime=start))[1]


async def test_ids_are_per_symbol(bare: Bare, paper: PaperExchange) -> None:
    """Order and trade ids count per symbol, so equal ids of two symbols are two things."""
    paper.outside.pin("ETHUSDT", 3000 * 10**8, 3001 * 10**8, 10**10)
    await bare.market("BUY", "0.1", symbol="ETHUSDT")
    await bare.market("BUY", "0.1")
    _, ether = await bare.send("GET", "/api/v3/myTrades", symbol="ETHUSDT")
    _, bitcoin = await bare.send("GET", "/api/v3/myTrades", symbol="BTCUSDT")
    assert (1, 1) == (ether[0]["id"], bitcoin[0]["id"])
    assert (ether[0]["orderId"], "0.00010000") == (bitcoin[0]["orderId"], bitcoin[0]["commission"])
