"""Proves that a report of the exchange settles what was in doubt, and proves a wrong absence wrong."""

import asyncio
from uuid import UUID

from engine.flows.presence import Presence
from engine.flows.record import STREAM
from engine.ledger.intents import Ending, IntentView, not_placed
from engine.paper.faults import FaultKind
from tests.flows.following import following
from tests.flows.proving import fault, open_court
from tests.flows.rig import SYMBOL, Rig


async def state_becomes(rig: Rig, wanted: str) -> IntentView:
    """Wait until the only intent is in a state."""
    async with asyncio.timeout(5):
        while (view := await rig.only_intent())["state"] != wanted:  # noqa: ASYNC110 - it lies behind sockets
            await asyncio.sleep(0.01)
    return view


async def doubted(rig: Rig, quantity: str = "0.001", price: str = "49000") -> IntentView:
    """Leave one entry in doubt whose order exists."""
    fault(rig, FaultKind.DROP_AFTER)
    assert "IN_DOUBT" == (await rig.desk.entries.run(rig.entry(quantity, price))).code
    return await rig.only_intent()


async def test_late_report_settles_doubt(rig: Rig) -> None:
    """A bare report of a resting order, long after its answer was lost, confirms the intent by itself."""
    view = await doubted(rig)
    async with following(rig):
        (exchange_id,) = rig.exchange_orders()[view["client_order_id"]]
        await rig.gateway.cancel(SYMBOL, exchange_id)
        found = await state_becomes(rig, "confirmed")
        assert exchange_id == found["exchange_order_id"]
    assert 1 == len(rig.exchange_orders())


async def test_report_during_the_doubt_settles_it(rig: Rig) -> None:
    """The stream's report of an order whose answer is lost confirms it before anybody looks."""
    async with following(rig):
        await doubted(rig, price="50100")
        await state_becomes(rig, "confirmed")
    await rig.check_books()


async def test_open_report_proves_absence_wrong(rig: Rig) -> None:
    """An order that appears after its intent ended as absent is booked, counted, and halts its profile."""
    view = await doubted(rig)
    ending = Ending(UUID(view["id"]), view["fencing_token"], "held for absent")
    assert (await not_placed(rig.observer, rig.tenant_id, ending)).done
    report = await rig.gateway.find_order(SYMBOL, client_order_id=view["client_order_id"])
    assert report is not None
    presence = Presence(rig.desk.context, rig.desk.recorder)
    assert await presence.shown(rig.session, report, STREAM)
    assert ("confirmed", "halted") == ((await rig.only_intent())["state"], (await rig.figures())["mode"])
    registry = rig.desk.context.metrics.registry
    assert 1 == registry.get_sample_value("holdfast_false_absence_total")


async def test_reports_that_are_known_cost_nothing(rig: Rig) -> None:
    """A report of an order that this process recorded, or of nobody's order, asks or changes nothing."""
    await rig.desk.entries.run(rig.entry("0.001", "49000"))
    view = await rig.only_intent()
    report = await rig.gateway.find_order(SYMBOL, client_order_id=view["client_order_id"])
    assert report is not None
    before = len(rig.plug.crossings)
    presence = Presence(rig.desk.context, rig.desk.recorder)
    assert not await presence.shown(rig.session, report, STREAM)
    assert before == len(rig.plug.crossings)


async def test_presence_during_resolving_wins(rig: Rig) -> None:
    """What a report settles between two looks is left alone by the next look."""
    fault(rig, FaultKind.LATE_APPLY, delay_s=4)
    await rig.desk.entries.run(rig.entry("0.001", "49000"))
    court = await open_court(rig)
    assert 1 == (await court.once()).waiting
    await court.later(4.1)
    view = await rig.only_intent()
    report = await rig.gateway.find_order(SYMBOL, client_order_id=view["client_order_id"])
    assert report is not None
    presence = Presence(court.desk.context, court.desk.recorder)
    assert await presence.shown(rig.session, report, STREAM)
    assert (0, None) == ((await court.once()).open, court.seen[-1].again_at_ms)
    await rig.check_books()
