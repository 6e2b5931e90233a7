"""Proves cancels: recorded, sent, believed only after a look, not stopped by a database that is away."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from engine.domain.errors import Outcome
from engine.domain.outcomes import Canceled
from engine.flows.commands import CancelCommand
from engine.ledger import reads, work
from engine.paper.faults import FaultKind, Match
from tests.flows.hiding import fill, order
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


@pytest.mark.parametrize(
    ("kind", "more", "result"),
    [
        pytest.param(FaultKind.DROP_BEFORE, {}, "unknown", id="no answer"),
        pytest.param(FaultKind.HTTP_5XX_BEFORE, {}, "unknown", id="a 5xx"),
        pytest.param(FaultKind.NOT_FOUND, {}, "unknown", id="denies the order"),
        pytest.param(FaultKind.RATE_LIMITED, {"retry_after_s": 0}, "refused", id="refused"),
    ],
)
async def test_cancel_that_did_nothing(rig: Rig, kind: FaultKind, more: dict[str, Any], result: str) -> None:
    """A cancel that did not work, whatever is said of it, leaves the order open, and stays due."""
    placed = await rig.desk.entries.run(rig.entry("0.01", "40000"))
    before = await rig.figures()
    rig.paper.fault(kind, match=CANCEL, count=None, **more)
    answer = await rig.desk.cancels.run(rig.cancel(placed))
    assert ("OK", result) == (answer.code, answer.details["cancel"])
    assert (("open", 0, 0), before) == (await order(rig), await rig.figures())
    assert 1 == len(await work.due_cancels(rig.observer))
    rig.paper.faults.clear()
    assert "done" == (await rig.desk.cancels.run(rig.cancel(placed))).details["cancel"]
    assert [] == await work.due_cancels(rig.observer)


@pytest.mark.parametrize("status", ["open", None])
async def test_cancel_that_is_taken_and_not_done(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, status: str | None
) -> None:
    """A cancel that the exchange takes and does later is not told as done, and stays due until it is."""
    placed = await rig.desk.entries.run(rig.entry("0.01", "40000"))

    async def taken(symbol: str, exchange_order_id: str) -> Canceled:
        report = await rig.gateway.find_order(symbol, exchange_order_id=exchange_order_id)
        assert report is not None
        return Canceled(replace(report, status=status))

    with monkeypatch.context() as patched:
        patched.setattr(rig.gateway, "cancel", taken)
        answer = await rig.desk.cancels.run(rig.cancel(placed))
    assert ("OK", "unknown") == (answer.code, answer.details["cancel"])
    assert 1 == len(await work.due_cancels(rig.observer))
    assert "done" == (await rig.desk.cancels.run(rig.cancel(placed))).details["cancel"]
    assert "1000" == (await rig.figures())["available"]


async def test_fill_while_a_cancel_fails(rig: Rig) -> None:
    """An order that fills in part while its cancel fails stays open; the next one ends it with that fill."""
    placed = await rig.desk.entries.run(rig.entry("0.002", "40000"))
    rig.plug.when, rig.plug.what = "before cancel", lambda: fill(rig, "0.0005")
    rig.paper.fault(FaultKind.HTTP_5XX_BEFORE, match=CANCEL)
    assert "unknown" == (await rig.desk.cancels.run(rig.cancel(placed))).details["cancel"]
    assert "open" == (await order(rig))[0]
    assert "done" == (await rig.desk.cancels.run(rig.cancel(placed))).details["cancel"]
    assert ("canceled", Decimal("0.0005"), Decimal("0.0005")) == await order(rig)
    await rig.check_books()


@pytest.mark.parametrize(
    ("filled", "held", "is_dust", "left"),
    [("0.0001", "0.0000999", True, "996"), ("0.001", "0.000999", False, "960")],
)
async def test_cancel_of_a_partly_filled_entry(
    rig: Rig, *, filled: str, held: str, is_dust: bool, left: str
) -> None:
    """What was filled stays, as a position or as dust if it is too little to sell; the rest is back."""
    placed = await rig.desk.entries.run(rig.entry("0.002", "40000"))
    fill(rig, filled)
    answer = await rig.desk.cancels.run(rig.cancel(placed))
    assert ("done", "canceled") == (answer.details["cancel"], answer.details["status"])
    (position,) = await reads.list_positions(rig.observer, rig.tenant_id, rig.profile_id)
    assert (held, is_dust) == (position["quantity"], position["is_dust"])
    figures = await rig.figures()
    assert ("0", left) == (figures["reserved_for_orders"], figures["available"])
    await rig.check_books()


async def test_cancel_of_an_almost_filled_exit(rig: Rig) -> None:
    """An exit that was filled but for what is too little to sell is canceled, and the rest is dust."""
    await rig.desk.entries.run(rig.entry("0.001"))
    placed = await rig.desk.exits.run(rig.exit("0.00099", "60000"))
    rig.paper.outside.tape("BTCUSDT", 60_000 * 10**8, 95_000, False)
    rig.paper.outside.pin("BTCUSDT", 50_000 * 10**8, 50_010 * 10**8, 5 * 10**8)
    answer = await rig.desk.cancels.run(rig.cancel(placed))
    assert ("done", "canceled") == (answer.details["cancel"], answer.details["status"])
    (position,) = await reads.list_positions(rig.observer, rig.tenant_id, rig.profile_id)
    assert ("0.000049", "0", True) == (
        position["quantity"],
        position["reserved_quantity"],
        position["is_dust"],
    )
    assert Decimal(0) < Decimal((await rig.figures())["realized_pnl"])
    await rig.check_books()


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
