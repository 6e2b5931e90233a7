"""Limits through the entry flow: what the engine hands in, and that a stale wish is never sent."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from engine.domain.errors import ErrorCode
from engine.paper.faults import FaultKind, Match
from engine.paper.server import PaperExchange
from tests.database.servers import Database
from tests.flows.rig import PATIENT, Rig, open_rig, until

SUBMIT = Match(method="POST", path="/api/v3/order")
DEPTH = Match(method="GET", path="/api/v3/depth")


@pytest.fixture
async def rig(database: Database, paper: PaperExchange) -> AsyncIterator[Rig]:
    async with open_rig(database, paper, timings=PATIENT, call_timeout_s=30.0) as opened:
        yield opened


@pytest.fixture
async def collared(database: Database, paper: PaperExchange) -> AsyncIterator[Rig]:
    spec = {"price_collar": "0.01", "clock_skew_max_ms": 2000, "quote_max_age_ms": 600_000}
    async with open_rig(database, paper, spec=spec, timings=PATIENT, call_timeout_s=30.0) as opened:
        yield opened


async def test_a_collar_goes_by_the_ask_that_the_engine_knows(collared: Rig) -> None:
    """Without a quote it is retryable; with one an order near the ask is placed, one far away is denied."""
    collared.paper.fault(FaultKind.HTTP_5XX_BEFORE, match=DEPTH)
    stale = await collared.desk.entries.run(collared.entry(price="50010", key="k1"))
    assert (ErrorCode.STALE_PRICE, True, "price_collar") == (
        stale.code,
        stale.retryable,
        stale.details["limit"],
    )
    assert "BTC/USDT" in collared.session.quotes.asked  # so that the next one has a price
    assert (await collared.desk.entries.run(collared.entry(price="50010", key="k1"))).ok
    far = await collared.desk.entries.run(collared.entry(price="50600", key="k2"))
    assert (ErrorCode.LIMIT_EXCEEDED, "price_collar", "0.01179764", "50010") == (
        far.code,
        far.details["limit"],
        far.details["value"],
        far.details["reference_price"],
    )
    again = await collared.desk.entries.run(collared.entry(price="50600", key="k2"))
    assert (True, ErrorCode.LIMIT_EXCEEDED) == (again.replay, again.code)


async def test_a_new_collar_is_learned_from_its_denial(rig: Rig) -> None:
    """A process that remembers an older spec is told STALE_PRICE once, and asks for prices then."""
    assert (await rig.desk.entries.run(rig.entry(price="40000"))).ok
    spec = {"price_collar": "0.01"}
    await rig.observer.call("fn_put_spec", rig.tenant_id, rig.profile_id, 1, spec, "h", "test")
    first = await rig.desk.entries.run(rig.entry(price="50010", key="k1"))
    assert ErrorCode.STALE_PRICE == first.code
    second = await rig.desk.entries.run(rig.entry(price="50010", key="k1"))
    assert second.ok
    assert "BTC/USDT" in rig.session.quotes.asked


async def test_a_market_entry_goes_by_the_spec_of_the_moment(rig: Rig) -> None:
    """A stricter cap that another instance has set bounds the very next order, and its preview."""
    await rig.quote()
    assert "50510.1" == await _limit_of_market_entry(rig, "k1")  # 1 % above the ask, where no spec says else
    spec = {"slippage_cap": "0.0001"}
    await rig.observer.call("fn_put_spec", rig.tenant_id, rig.profile_id, 1, spec, "h", "test")
    assert "50015.01" == await _limit_of_market_entry(rig, "k2")
    await rig.observer.call("fn_put_spec", rig.tenant_id, rig.profile_id, 2, {}, "h", "test")
    previewed = await rig.desk.entries.preview(rig.entry(price=None, key="k3"))
    assert (True, "50510.1") == (previewed.accepted, previewed.limit_price)
    assert "50510.1" == await _limit_of_market_entry(rig, "k3")


async def _limit_of_market_entry(rig: Rig, key: str) -> str:
    answer = await rig.desk.entries.run(rig.entry(price=None, key=key))
    assert answer.ok, answer
    assert answer.intent is not None
    return str(answer.intent["limit_price"])


async def test_a_clock_too_far_denies_by_the_spec(collared: Rig) -> None:
    """The distance of the exchange's clock as measured is what the spec is held against."""
    await collared.quote()
    collared.desk.context.clock.advance(3)
    await collared.gateway.measure_clock()
    collared.session.quotes.put(await collared.gateway.best_ask("BTC/USDT"))
    answer = await collared.desk.entries.run(collared.entry(price="50010"))
    assert (ErrorCode.LIMIT_EXCEEDED, "clock_skew_max_ms", 2000) == (
        answer.code,
        answer.details["limit"],
        answer.details["allowed"],
    )


async def test_a_wish_that_expires_in_the_line_is_never_sent(rig: Rig) -> None:
    """While the first order's answer is held back the second one's time passes: it leaves no trace."""
    rig.paper.fault(FaultKind.DELAY, match=SUBMIT, delay_ms=400)
    first = asyncio.create_task(rig.desk.entries.run(rig.entry(price="40000")))
    await until(lambda: "before submit" in rig.plug.crossings)
    second = await rig.desk.entries.run(rig.entry(price="40001", expires_after_ms=50))
    assert ErrorCode.INTENT_EXPIRED == second.code
    assert (await first).ok
    assert 1 == len(await rig.intents())
    assert 1 == len(rig.exchange_orders())


async def test_entries_of_one_profile_and_symbol_go_out_in_order_of_arrival(rig: Rig) -> None:
    """Eight wishes at once reach the exchange one after the other, first come, first sent."""
    prices = [str(40_000 + n) for n in range(8)]
    answers = await asyncio.gather(*(rig.desk.entries.run(rig.entry(price=price)) for price in prices))
    assert [True] * 8 == [answer.ok for answer in answers]
    sent = sorted(
        (int(answer.details["exchange_order_id"]), answer.intent["limit_price"])
        for answer in answers
        if answer.intent is not None
    )
    assert prices == [price for _, price in sent]
