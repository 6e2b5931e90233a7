"""The unmodified ccxt client trades on the paper exchange."""

import asyncio
from typing import Any

import pytest

from engine.paper.server import PaperExchange

WAIT_S = 5


async def test_default_load_markets(ccxt: Any) -> None:
    """A client with default options, which also asks for margin and futures, gets the spot markets."""
    markets = await ccxt.load_markets()
    assert {"BTC/USDT", "ETH/USDT", "BNB/USDT", "ETH/BTC"} == set(markets)
    assert 0.00001 == markets["BTC/USDT"]["precision"]["amount"]
    assert 5.0 == markets["BTC/USDT"]["limits"]["cost"]["min"]
    assert "BTC" in await ccxt.fetch_currencies()


async def test_limit_order_life(ccxt: Any) -> None:
    """A resting order is seen by id, by client order id and in the list, and is gone after its cancel."""
    await ccxt.load_markets()
    placed = await ccxt.create_order("BTC/USDT", "limit", "buy", 0.01, 40000, {"clientOrderId": "one"})
    assert ("open", "one") == (placed["status"], placed["clientOrderId"])
    assert ["one"] == [order["clientOrderId"] for order in await ccxt.fetch_open_orders("BTC/USDT")]
    assert 400.0 == (await ccxt.fetch_balance())["USDT"]["used"]
    by_client_id = await ccxt.fetch_order(None, "BTC/USDT", {"origClientOrderId": "one"})
    assert placed["id"] == by_client_id["id"]
    await ccxt.cancel_order(placed["id"], "BTC/USDT")
    assert "canceled" == (await ccxt.fetch_order(placed["id"], "BTC/USDT"))["status"]
    assert [] == await ccxt.fetch_open_orders("BTC/USDT")
    assert 100000.0 == (await ccxt.fetch_balance())["USDT"]["free"]


async def test_market_order_fills(ccxt: Any) -> None:
    """A market buy answers with its fills; own trades tell price, fee and fee asset."""
    await ccxt.load_markets()
    placed = await ccxt.create_order("BTC/USDT", "market", "buy", 0.1)
    assert ("closed", 0.1, 50010.0) == (placed["status"], placed["filled"], placed["average"])
    (trade,) = await ccxt.fetch_my_trades("BTC/USDT", params={"orderId": placed["id"]})
    assert (0.0001, "BTC") == (trade["fee"]["cost"], trade["fee"]["currency"])
    assert "taker" == trade["takerOrMaker"]
    assert [placed["id"]] == [order["id"] for order in await ccxt.fetch_closed_orders("BTC/USDT")]
    balance = await ccxt.fetch_balance()
    assert (2.0999, 94999.0) == (balance["BTC"]["total"], balance["USDT"]["total"])


async def test_public_reads(ccxt: Any) -> None:
    """Ticker, book, trades, time and fees are readable in ccxt's unified forms."""
    await ccxt.load_markets()
    await ccxt.create_order("BTC/USDT", "market", "buy", 0.1)
    ticker = await ccxt.fetch_ticker("BTC/USDT")
    assert (50000.0, 50010.0, 50010.0) == (ticker["bid"], ticker["ask"], ticker["last"])
    assert [[50010.0, 4.9]] == (await ccxt.fetch_order_book("BTC/USDT"))["asks"]
    assert [0.1] == [trade["amount"] for trade in await ccxt.fetch_trades("BTC/USDT")]
    assert 50000.0 == (await ccxt.fetch_bids_asks(["BTC/USDT"]))["BTC/USDT"]["bid"]
    assert 0.001 == (await ccxt.fetch_trading_fees())["BTC/USDT"]["maker"]
    assert abs(await ccxt.fetch_time() - ccxt.milliseconds()) < 1000
    assert "ok" == (await ccxt.fetch_status())["status"]


async def test_watch_orders_and_trades(ccxt: Any) -> None:
    """Order updates and fills arrive over the signed ws-api subscription."""
    await ccxt.load_markets()
    await ccxt.authenticate()
    trades = asyncio.create_task(ccxt.watch_my_trades("BTC/USDT"))
    orders = asyncio.create_task(ccxt.watch_orders("BTC/USDT"))
    balance = asyncio.create_task(ccxt.watch_balance())
    await asyncio.sleep(0)
    placed = await ccxt.create_order("BTC/USDT", "market", "sell", 0.1)
    (trade,) = await asyncio.wait_for(trades, WAIT_S)
    assert (placed["id"], 50000.0, 5.0) == (trade["order"], trade["price"], trade["fee"]["cost"])
    watched = await asyncio.wait_for(orders, WAIT_S)
    assert placed["id"] == watched[-1]["id"]
    assert 1.9 == (await asyncio.wait_for(balance, WAIT_S))["BTC"]["free"]


async def test_watch_public_streams(ccxt: Any, paper: PaperExchange) -> None:
    """Best prices, trades, ticker and the order book are streamed; the book follows changes in step."""
    await ccxt.load_markets()
    best = await asyncio.wait_for(ccxt.watch_bids_asks(["BTC/USDT"]), WAIT_S)
    assert (50000.0, 50010.0) == (best["BTC/USDT"]["bid"], best["BTC/USDT"]["ask"])
    ticker = await asyncio.wait_for(ccxt.watch_ticker("BTC/USDT"), WAIT_S)
    assert 50005.0 == ticker["last"]
    book = await asyncio.wait_for(ccxt.watch_order_book("BTC/USDT"), WAIT_S)
    assert [50010.0, 5.0] == book["asks"][0]
    change = asyncio.create_task(ccxt.watch_order_book("BTC/USDT"))
    await ccxt.create_order("BTC/USDT", "limit", "buy", 1, 50005)
    assert [50005.0, 1.0] == (await asyncio.wait_for(change, WAIT_S))["bids"][0]
    trades = asyncio.create_task(ccxt.watch_trades("BTC/USDT"))
    await asyncio.wait_for(paper.market_streams.subscribed("btcusdt@trade"), WAIT_S)
    await ccxt.create_order("BTC/USDT", "market", "sell", 0.5)
    assert [50005.0] == [trade["price"] for trade in await asyncio.wait_for(trades, WAIT_S)]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"secret": "wrong"}, "AuthenticationError"),
        ({"apiKey": "nobody"}, "AuthenticationError"),
        ({"apiKey": "has a space"}, "AuthenticationError"),
    ],
)
async def test_wrong_credentials(ccxt: Any, change: dict[str, str], error: str) -> None:
    """A wrong secret or key is refused, for REST and for the stream."""
    await ccxt.load_markets()
    for name, value in change.items():
        setattr(ccxt, name, value)
    with pytest.raises(Exception) as refused:  # noqa: PT011 - ccxt's class is checked by name
        await ccxt.fetch_balance()
    assert error == type(refused.value).__name__
    with pytest.raises(Exception):  # noqa: B017, PT011 - only that it is refused matters
        await asyncio.wait_for(ccxt.watch_orders(), WAIT_S)


async def test_ccxt_error_classes(ccxt: Any) -> None:
    """Refusals arrive as the classes ccxt makes of Binance's codes."""
    await ccxt.load_markets()
    cases = [
        ("InsufficientFunds", ccxt.create_order("BTC/USDT", "limit", "buy", 5, 40000)),
        (
            "OrderImmediatelyFillable",
            ccxt.create_order("BTC/USDT", "limit", "buy", 1, 60000, {"postOnly": True}),
        ),
        ("OrderNotFound", ccxt.fetch_order("999", "BTC/USDT")),
        ("OrderNotFound", ccxt.cancel_order("999", "BTC/USDT")),
        # By its address ccxt does not know this as Binance spot: there it would be InvalidOrder.
        ("BadRequest", ccxt.create_order("BTC/USDT", "limit", "buy", 0.0001, 40000)),
    ]
    for error, call in cases:
        with pytest.raises(Exception) as refused:  # noqa: PT011 - ccxt's class is checked by name
            await call
        assert error == type(refused.value).__name__
