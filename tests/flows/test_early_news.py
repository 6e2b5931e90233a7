"""Proves that a stream which overtakes the exchange's answer makes no work twice, and loses nothing."""

import asyncio
import contextlib
from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import pytest

from engine.flows.record import STREAM
from engine.flows.underway import KnownFacts, Underway
from tests.flows.following import QUIET, following
from tests.flows.rig import SYMBOL, CrashError, Rig, until

PATIENT = replace(QUIET, send_s=10.0)
BOOKINGS = {"before fn_apply_fill", "before fn_finish_order"}


def events(rig: Rig, stream: str) -> float:
    """Return how many updates of a stream the monitor has taken."""
    labels = {"account": "paper", "kind": stream}
    metrics = rig.desk.context.metrics.registry
    return metrics.get_sample_value("holdfast_stream_events_total", labels) or 0.0


async def overtaken(rig: Rig) -> tuple[asyncio.Task[object], asyncio.Event]:
    """Send an entry whose answer is held back until the stream has told fill and end of it."""
    gate = asyncio.Event()
    rig.plug.when, rig.plug.what = "after submit", gate.wait
    entering: asyncio.Task[object] = asyncio.create_task(rig.desk.entries.run(rig.entry()))
    await until(lambda: events(rig, "fills") > 0 and events(rig, "orders") > 0)
    return entering, gate


async def test_news_waits_for_the_answer(rig: Rig) -> None:
    """Fill and end that overtake the answer are booked by it, once; their copies cost no call."""
    async with following(rig, PATIENT):
        entering, gate = await overtaken(rig)
        gate.set()
        await entering
    assert set() == BOOKINGS & set(rig.plug.crossings)
    admin = await rig.database.admin()
    assert ["answer"] == [row["source"] for row in await admin.fetch("SELECT source FROM engine.fills")]
    assert 0 == await admin.fetchval("SELECT count(*) FROM engine.unmatched_fills")
    await rig.check_books()


async def test_wait_without_a_record_ends(rig: Rig) -> None:
    """An answer that does not come in time keeps no fill from its booking, by client order id."""
    async with following(rig, replace(QUIET, send_s=0.01)):
        entering, gate = await overtaken(rig)
        await until(lambda: "after fn_apply_fill" in rig.plug.crossings)
        assert "confirmed" == (await rig.only_intent())["state"]
        gate.set()
        await entering
    await rig.check_books()


async def test_stop_while_news_waits(rig: Rig) -> None:
    """A monitor that stops while news waits for a send leaves it to the answer, and to the poll."""
    async with following(rig, PATIENT) as monitor:
        entering, gate = await overtaken(rig)
    assert set() == BOOKINGS & set(rig.plug.crossings)
    gate.set()
    await entering
    assert (None, "filled") == (monitor.problem, _status(await rig.only_intent()))
    await rig.check_books()


async def test_crash_while_news_waits(rig: Rig) -> None:
    """A process that dies between answer and record takes the waiting news along; proof finds all of it."""
    async with following(rig, PATIENT):
        entering, gate = await overtaken(rig)
        rig.plug.dead = True
        gate.set()
        with pytest.raises(CrashError):
            await entering
    desk = rig.restart()
    assert "sending" == (await rig.only_intent())["state"]
    await rig.resolve(desk)
    assert "filled" == _status(await rig.only_intent())
    await rig.check_books()


async def test_other_orders_do_not_wait(rig: Rig) -> None:
    """A resting order's fill is booked at once, while the answer of another send is awaited."""
    async with following(rig, PATIENT):
        await rig.desk.entries.run(rig.entry("0.001", "49990"))
        resting = await rig.only_intent()
        entering, gate = await overtaken(rig)
        rig.paper.outside.pin("BTCUSDT", 49_900 * 10**8, 49_910 * 10**8, 5 * 10**8)
        await until(lambda: "after fn_apply_fill" in rig.plug.crossings)
        gate.set()
        await entering
    found = {view["id"]: _status(view) for view in await rig.intents()}
    assert (2, "filled") == (len(found), found[resting["id"]])
    await rig.check_books()


async def test_only_the_stream_skips(rig: Rig) -> None:
    """What was recorded is not sent again for the stream; for a poll, and with another fee, it is."""
    await rig.desk.entries.run(rig.entry())
    (fill,) = await rig.gateway.fills(SYMBOL)
    told = replace(fill, client_order_id=None)
    before = len(rig.plug.crossings)
    assert () == (await rig.desk.recorder.book(rig.session, None, [told], STREAM)).fills
    assert before == len(rig.plug.crossings)
    assert ("DUPLICATE",) == (await rig.desk.recorder.book(rig.session, None, [told], "poll")).fills
    other = replace(told, fee_quantity=Decimal("0.1"))
    assert ("DUPLICATE",) == (await rig.desk.recorder.book(rig.session, None, [other], STREAM)).fills
    await rig.check_books()


async def test_parked_fill_is_no_known_fact(rig: Rig) -> None:
    """A fill of an order that nobody knows is told to the database each time."""
    await rig.desk.entries.run(rig.entry())
    (fill,) = await rig.gateway.fills(SYMBOL)
    foreign = replace(fill, exchange_order_id="987654", client_order_id=None)
    for _ in range(2):
        assert ("PARKED",) == (await rig.desk.recorder.book(rig.session, None, [foreign], STREAM)).fills


async def test_known_facts_are_bounded(rig: Rig) -> None:
    """Only the last facts are kept; the first are forgotten."""
    await rig.desk.entries.run(rig.entry())
    (fill,) = await rig.gateway.fills(SYMBOL)
    account_id, known = uuid4(), KnownFacts(length_max=3)
    fills = [replace(fill, exchange_trade_id=str(number)) for number in range(5)]
    known.add_fills(account_id, fills)
    assert [False, False, True, True, True] == [known.has_fill(account_id, each) for each in fills]
    assert (3, False) == (len(known), known.has_fill(uuid4(), fills[4]))


async def test_send_that_fails_lets_go() -> None:
    """Whatever ends a send ends the wait for it; what is not under way is not waited for."""
    underway, account_id = Underway(), uuid4()
    with contextlib.suppress(CrashError), underway.sending(account_id, "own"):
        assert (True, False) == (underway.has(account_id, "own"), underway.has(account_id, None))
        assert not await underway.recorded(account_id, "own", 0.001)
        waiting = asyncio.create_task(underway.recorded(account_id, "own", 10.0))
        await asyncio.sleep(0)
        raise CrashError
    assert await waiting
    assert await underway.recorded(account_id, "own", 0.0)


def _status(view: object) -> object:
    assert isinstance(view, dict)
    return view["order"]["status"]
