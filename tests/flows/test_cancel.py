"""Proves cancels: recorded, sent, believed only after a look, not stopped by a database that is away."""

import asyncio
from decimal import Decimal
from uuid import UUID, uuid4

from engine.domain.errors import Outcome
from engine.flows.commands import CancelCommand
from engine.ledger import work
from engine.paper.faults import FaultKind, Match
from tests.flows.rig import Rig, until

CANCEL = Match(method="DELETE", path="/api/v3/order")


async def test_cancel_of_a_resting_order(rig: Rig) -> None:
    """A resting order is canceled at the exchange and in the ledger, and its whole reservation is back."""
    placed = await rig.desk.entries.run(rig.entry("0.01", "40000"))
    answer = await rig.desk.cancels.run(rig.cancel(placed))
    assert ("OK", "done", "canceled") == (answer.code, answer.details["cancel"], answer.details["status"])
    assert "1000" == (await rig.figures())["available"]
    again = await rig.desk.cancels.run(rig.cancel(placed))
    assert ("OK", "final") == (again.code, again.details["cancel"])
    await rig.check_books()


async def test_cancel_of_an_order_that_filled(rig: Rig) -> None:
    """The exchange knows no such open order: it is looked at, found filled, and its fills are booked."""
    placed = await rig.desk.entries.run(rig.entry("0.001", "49000"))
    rig.paper.outside.pin("BTCUSDT", 48_000 * 10**8, 48_010 * 10**8, 5 * 10**8)
    answer = await rig.desk.cancels.run(rig.cancel(placed))
    assert ("OK", "done", "filled") == (answer.code, answer.details["cancel"], answer.details["status"])
    await rig.check_books()


async def test_cancel_with_a_lost_answer(rig: Rig) -> None:
    """A cancel whose answer is lost is looked at, and what the exchange shows is recorded."""
    placed = await rig.desk.entries.run(rig.entry("0.01", "40000"))
    rig.paper.fault(FaultKind.DROP_AFTER, match=CANCEL, count=None)
    answer = await rig.desk.cancels.run(rig.cancel(placed))
    assert ("OK", "done") == (answer.code, answer.details["cancel"])
    assert "1000" == (await rig.figures())["available"]


async def test_cancel_that_did_not_arrive(rig: Rig) -> None:
    """A cancel that never reached the exchange stays recorded and due; the order stays open."""
    placed = await rig.desk.entries.run(rig.entry("0.01", "40000"))
    rig.paper.fault(FaultKind.DROP_BEFORE, match=CANCEL, count=None)
    answer = await rig.desk.cancels.run(rig.cancel(placed))
    assert ("OK", "unknown") == (answer.code, answer.details["cancel"])
    assert 1 == len(await work.due_cancels(rig.observer))
    rig.paper.faults.clear()
    assert "done" == (await rig.desk.cancels.run(rig.cancel(placed))).details["cancel"]
    assert [] == await work.due_cancels(rig.observer)


async def test_cancel_of_an_intent_in_doubt_is_recorded(rig: Rig) -> None:
    """While nobody knows whether there is an order, a cancel is kept and not sent."""
    rig.paper.fault(FaultKind.DROP_AFTER, match=Match(method="POST", path="/api/v3/order"))
    doubtful = await rig.desk.entries.run(rig.entry("0.01", "40000"))
    answer = await rig.desk.cancels.run(rig.cancel(doubtful))
    assert ("OK", Outcome.UNKNOWN, "recorded") == (answer.code, answer.outcome, answer.details["cancel"])
    assert "before cancel" not in rig.plug.crossings
    assert (await rig.only_intent())["cancel_requested_at"] is not None


async def test_cancel_while_sending_goes_out_after_the_confirmation(rig: Rig) -> None:
    """A cancel that comes while the order is being placed follows it as soon as it is confirmed."""
    gate = asyncio.Event()
    rig.plug.when, rig.plug.what = "after submit", gate.wait
    entering = asyncio.create_task(rig.desk.entries.run(rig.entry("0.01", "40000")))
    await until(lambda: "after submit" in rig.plug.crossings)
    view = await rig.only_intent()
    command = CancelCommand(rig.tenant_id, UUID(view["id"]), "robot:test")
    assert "recorded" == (await rig.desk.cancels.run(command)).details["cancel"]
    gate.set()
    assert "OK" == (await entering).code
    await rig.desk.cancels.close(3.0)
    order = (await rig.only_intent())["order"]
    assert order is not None
    assert "canceled" == order["status"]
    await rig.check_books()


async def test_cancel_with_the_database_away(rig: Rig) -> None:
    """A cancel goes out unrecorded when the database is away, says so, and is recorded afterwards."""
    placed = await rig.desk.entries.run(rig.entry("0.01", "40000"))
    rig.plug.down = True
    answer = await rig.desk.cancels.run(rig.cancel(placed))
    assert ("OK", "sent_not_recorded", False) == (answer.code, answer.details["cancel"], answer.recorded)
    rig.exchange_orders()
    assert ["CANCELED"] == [order.status for order in rig.paper.oracle.orders.values()]
    rig.plug.down = False
    await until(lambda: rig.desk.recorder.pending == 0)
    assert Decimal(1000) == Decimal((await rig.figures())["available"])
    await rig.check_books()


async def test_cancel_of_nothing(rig: Rig) -> None:
    """An id that this tenant has not is not found."""
    answer = await rig.desk.cancels.run(CancelCommand(rig.tenant_id, uuid4(), "robot:test"))
    assert "NOT_FOUND" == answer.code
