"""Proves that deposits and withdrawals are read whole or not at all, with what moved and when."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from engine.domain.errors import ErrorCode, HoldfastError
from engine.exchange.account import AccountConfig, ExchangeUrls
from engine.exchange.gateway import Gateway
from engine.exchange.transfers import read_transfers
from engine.exchange.unified import IncompleteAnswerError
from engine.paper.faults import FaultKind, Match
from engine.paper.options import Options, read_account
from engine.paper.server import PaperExchange

DAY_MS = 86_400_000
NOW_MS = 1_800_000_000_000


@pytest.fixture
async def paper() -> AsyncIterator[PaperExchange]:
    accounts = (read_account("key:secret:USDT=100000,BTC=2"),)
    async with PaperExchange(Options(step_ms=0, accounts=accounts)) as exchange:
        yield exchange


@pytest.fixture
async def gateway(paper: PaperExchange) -> AsyncIterator[Gateway]:
    urls = ExchangeUrls(paper.url, f"{paper.ws_url}/ws-api/v3", f"{paper.ws_url}/stream/ws")
    async with Gateway(AccountConfig("acc-1", "binance", "key", "secret", urls=urls)) as made:
        yield made


async def test_both_ways_by_time(paper: PaperExchange, gateway: Gateway) -> None:
    """What came and went is read in order of time with exact amounts; what lies before is left out."""
    paper.clock.freeze()
    paper.deposit("key", "USDT", 7 * 10**8)
    paper.clock.advance(DAY_MS)
    await gateway.measure_clock()
    since_ms = paper.clock.now_ms()
    paper.deposit("key", "BTC", 12_345_678)
    paper.clock.advance(2_000)
    paper.deposit("key", "USDT", -(10**8))
    paper.clock.advance(2_000)
    await gateway.measure_clock()
    found = await gateway.transfers(since_ms)
    assert [
        ("deposit", "BTC", Decimal("0.12345678"), Decimal(0)),
        ("withdrawal", "USDT", Decimal(1), Decimal(0)),
    ] == [(each.kind, each.asset, each.quantity, each.fee) for each in found]
    assert found == await gateway.transfers(since_ms)
    assert since_ms == round(found[0].at.timestamp() * 1000)


async def test_a_failed_half_is_no_answer(paper: PaperExchange, gateway: Gateway) -> None:
    """If the withdrawals cannot be read, the deposits alone are no evidence."""
    paper.deposit("key", "USDT", 10**8)
    paper.fault(FaultKind.HTTP_5XX_BEFORE, match=Match(path="/sapi/v1/capital/withdraw/history"))
    with pytest.raises(HoldfastError) as raised:
        await gateway.transfers(paper.clock.now_ms() - DAY_MS)
    assert ErrorCode.EXCHANGE_UNAVAILABLE == raised.value.code


class Listing:
    """ccxt as far as it is asked here: rows by kind, and which windows were asked for."""

    def __init__(self, deposits: list[dict[str, Any]], withdrawals: list[dict[str, Any]]) -> None:
        self.has = {"fetchDeposits": True, "fetchWithdrawals": True}
        self.rows = {"deposits": deposits, "withdrawals": withdrawals}
        self.asked: list[tuple[int, int]] = []

    async def fetch_deposits(self, _code: None, since: int, _limit: int, params: dict[str, int]) -> Any:
        self.asked.append((since, params["until"]))
        return [row for row in self.rows["deposits"] if since <= row["timestamp"] <= params["until"]]

    async def fetch_withdrawals(self, _code: None, since: int, _limit: int, params: dict[str, int]) -> Any:
        return [row for row in self.rows["withdrawals"] if since <= row["timestamp"] <= params["until"]]


def row(number: int, status: str, **changes: Any) -> dict[str, Any]:
    given = {"id": f"id{number}", "currency": "XRP", "amount": "28.75", "timestamp": NOW_MS + number * DAY_MS}
    return {**given, "status": status, "info": {}, **changes}


async def call(fetch: Any) -> Any:
    return await fetch()


async def test_only_what_moved_money() -> None:
    """A deposit counts once credited, a withdrawal from its request on with its fee; refused ones never."""
    fee = {"currency": "XRP", "cost": "0.25"}
    deposits = [row(1, "ok"), row(2, "pending"), row(3, "failed")]
    withdrawals = [row(4, "ok", fee=fee), row(5, "pending"), row(6, "canceled"), row(7, "failed")]
    found = await read_transfers(Listing(deposits, withdrawals), call, NOW_MS, NOW_MS + 10 * DAY_MS)
    assert ["id1", "id4", "id5"] == [each.id for each in found]
    assert [Decimal(0), Decimal("0.25"), Decimal(0)] == [each.fee for each in found]


async def test_a_long_time_is_read_in_windows() -> None:
    """More days than the exchange answers at once are read in windows without gap or overlap."""
    listing = Listing([row(day, "ok") for day in range(0, 200, 40)], [])
    found = await read_transfers(listing, call, NOW_MS, NOW_MS + 200 * DAY_MS)
    assert 5 == len(found)
    assert 3 == len(listing.asked)
    assert all(
        later[0] == earlier[1] + 1 for earlier, later in zip(listing.asked, listing.asked[1:], strict=False)
    )


async def test_an_unread_page_is_no_answer() -> None:
    """A full page may have a next one, and a row without its amount hides one: neither is evidence."""
    for rows in ([row(1, "ok", id=f"id{number}") for number in range(1000)], [row(1, "ok", amount=None)]):
        with pytest.raises(IncompleteAnswerError):
            await read_transfers(Listing(rows, []), call, NOW_MS, NOW_MS + 2 * DAY_MS)
