"""Proves that a sender which was held up, and comes back when its intent is settled, does no harm."""

import asyncio

from engine.flows.commands import Answer
from engine.paper.faults import FaultKind
from tests.flows.proving import BY_ID, CLOSED, OPEN, Court, fault, open_court
from tests.flows.rig import Rig, until


async def held_up(rig: Rig, crossing: str) -> tuple[asyncio.Task[Answer], asyncio.Event, Court]:
    """Send an entry that is held up at a crossing until its time is long over; another process looks."""
    gate = asyncio.Event()
    rig.plug.when, rig.plug.what = crossing, gate.wait
    entering = asyncio.create_task(rig.desk.entries.run(rig.entry("0.001", "49000")))
    await until(lambda: crossing in rig.plug.crossings)
    court = await open_court(rig)
    await court.later(31)
    return entering, gate, court


async def test_sender_that_was_paused_before_its_write(rig: Rig) -> None:
    """Proven absent, its capital is free; the request that leaves late is refused by the exchange itself."""
    entering, gate, court = await held_up(rig, "before submit")
    assert "not_placed" == (await court.until_settled())["state"]
    assert "1000" == (await rig.figures())["available"]
    gate.set()
    answer = await entering
    assert ("NOT_PLACED", {}) == (answer.code, rig.exchange_orders())
    assert ("not_placed", "1000") == (
        (await rig.only_intent())["state"],
        (await rig.figures())["available"],
    )
    await rig.check_books()


async def test_answer_that_comes_after_the_proof(rig: Rig) -> None:
    """An order proven present meanwhile is not recorded twice by its sender, who answers what is true."""
    entering, gate, court = await held_up(rig, "after submit")
    assert 1 == (await court.once()).present
    gate.set()
    answer = await entering
    assert ("OK", 1) == (answer.code, len(rig.exchange_orders()))
    assert "49.049" == (await rig.figures())["reserved_for_orders"]
    await rig.check_books()


async def test_answer_that_proves_an_absence_wrong(rig: Rig) -> None:
    """An exchange that lied twice is given away by the late answer: the fact is booked, the profile halts."""
    entering, gate, court = await held_up(rig, "after submit")
    fault(rig, FaultKind.NOT_FOUND, BY_ID, count=None)
    for listing in (OPEN, CLOSED):
        fault(rig, FaultKind.MISSING_PAGES, listing, count=None, keep=0)
    assert "not_placed" == (await court.until_settled())["state"]
    rig.paper.faults.clear()
    gate.set()
    assert "OK" == (await entering).code
    assert ("confirmed", "halted") == ((await rig.only_intent())["state"], (await rig.figures())["mode"])
    registry = rig.desk.context.metrics.registry
    assert 1 == registry.get_sample_value("holdfast_false_absence_total")
    assert 1 == len(rig.exchange_orders())
