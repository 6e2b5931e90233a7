"""A robot written for ccxt, with Holdfast in the place of its exchange."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from engine.client.ccxt_exchange import Holdfast
from engine.exchange import lean
from tests.sdk.own import Own
from tests.sdk.wire import BadLine, Fate

ccxt = lean.load()  # what `import ccxt` gives, without its hundred exchanges


def exchange_of(own: Own, url: str | None = None, **options: Any) -> Holdfast:
    given = {"profile": "main", "journal": str(own.journal), **options}
    return Holdfast({"apiKey": own.tenant.key, "urls": {"api": url or own.address}, "options": given})


async def test_a_ccxt_robot_trades(own: Own) -> None:
    """Orders, balance, trades and cancels have ccxt's forms; the balance is the profile's own."""
    async with exchange_of(own) as exchange:
        before = await exchange.fetch_balance()
        assert {"free": 10000.0, "used": 0.0, "total": 10000.0} == before["USDT"]
        bought = await exchange.create_order("BTC/USDT", "market", "buy", 0.01)
        assert ("closed", 0.01, 0.0, "buy", "market") == (
            bought["status"], bought["filled"], bought["remaining"], bought["side"], bought["type"],
        )  # fmt: skip
        assert 50010.0 == bought["average"]
        (trade,) = await exchange.fetchMyTrades("BTC/USDT")
        assert (bought["id"], 50010.0, {"currency": "BTC", "cost": 0.00001}) == (
            trade["order"], trade["price"], trade["fee"],
        )  # fmt: skip
        held = await exchange.fetchBalance()
        assert {"free": 0.00999, "used": 0.0, "total": 0.00999} == held["BTC"]
        selling = await exchange.createOrder(
            "BTC/USDT", "limit", "sell", 0.009, 60000, {"clientOrderId": "out-1"}
        )
        assert ("open", "out-1", 60000.0) == (selling["status"], selling["clientOrderId"], selling["price"])
        assert [selling] == [_same(form, selling) for form in await exchange.fetchOpenOrders("BTC/USDT")]
        assert 0.009 == (await exchange.fetch_balance())["used"]["BTC"]
        ended = await exchange.cancelOrder(selling["id"], "BTC/USDT")
        assert ("canceled", selling["id"]) == (ended["status"], ended["id"])
        by_key = await exchange.fetchOrder(None, params={"clientOrderId": "out-1"})
        assert ended == _same(by_key, ended)
        assert [bought["id"], selling["id"]] == [form["id"] for form in await exchange.fetch_orders()]
        await check_trades(exchange, trade)
    assert 4 == len(own.at_exchange())


async def check_trades(exchange: Holdfast, first: dict[str, Any]) -> None:
    """Trades come oldest first: the last ones, the first from a moment on, those of one order."""
    bought = [await exchange.create_order("BTC/USDT", "market", "buy", "0.01") for _ in range(2)]
    every = await exchange.fetch_my_trades()
    assert [first["order"], *(order["id"] for order in bought)] == [trade["order"] for trade in every]
    assert every[1:] == await exchange.fetch_my_trades("BTC/USDT", limit=2)
    assert [] == await exchange.fetch_my_trades("ETH/USDT")
    since = every[1]["timestamp"]
    from_then = [trade for trade in every if trade["timestamp"] >= since]
    assert from_then == await exchange.fetch_my_trades(since=since)
    assert from_then[:1] == await exchange.fetch_my_trades(since=since, limit=1)
    assert [] == await exchange.fetch_my_trades(since=every[-1]["timestamp"] + 1)
    assert [every[1]] == await exchange.fetch_my_trades(params={"order": bought[0]["id"]})
    with pytest.raises(ccxt.NotSupported):
        await exchange.fetch_my_trades(params={"until": since})


async def test_errors_are_ccxt_s(own: Own) -> None:
    """What is denied raises ccxt's own class, with Holdfast's code on it."""
    async with exchange_of(own) as exchange:
        with pytest.raises(ccxt.InsufficientFunds) as poor:
            await exchange.create_order("BTC/USDT", "limit", "buy", 1, 49000)
        assert "INSUFFICIENT_CAPITAL" == poor.value.code  # type: ignore[attr-defined]
        with pytest.raises(ccxt.BadSymbol):
            await exchange.create_order("XXX/YYY", "limit", "buy", 1, 49000)
        with pytest.raises(ccxt.OrderNotFound):
            await exchange.fetch_order("00000000-0000-7000-8000-000000000000")
        with pytest.raises(ccxt.NotSupported):
            await exchange.create_order("BTC/USDT", "limit", "buy", 1, 49000, {"stopPrice": 1})
        with pytest.raises(ccxt.ArgumentsRequired):
            await exchange.create_order("BTC/USDT", "limit", "buy", 1)
    assert [] == own.at_exchange()


async def test_a_robot_that_repeats_after_a_timeout_has_one_order(own: Own) -> None:
    """RequestTimeout, then the same call again as ccxt's robots do: the first order, not a second one."""
    with BadLine.to(own.stage.port) as line:
        line.fates = [Fate.LOSE_ANSWER]
        async with exchange_of(own, line.address, patience_s=0) as exchange:
            with pytest.raises(ccxt.RequestTimeout):
                await exchange.create_order("BTC/USDT", "limit", "buy", "0.01", "49000")
        async with exchange_of(own, line.address, number=Decimal) as exchange:
            order = await exchange.create_order("BTC/USDT", "limit", "buy", "0.01", "49000")
            assert ("open", Decimal("0.01")) == (order["status"], order["amount"])
            watching = asyncio.create_task(exchange.watchOrders("BTC/USDT"))
            assert [order["id"]] == [form["id"] for form in await watching]
            await exchange.cancel_all_orders("BTC/USDT")
            (ended,) = await exchange.watch_orders("BTC/USDT")
            assert "canceled" == ended["status"]
    assert 1 == len(own.at_exchange())


def _same(form: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return a form without what differs between an answer at once and a later read."""
    later = {"info", "timestamp", "datetime", "lastUpdateTimestamp"}
    return {**form, **{name: other[name] for name in later}}
