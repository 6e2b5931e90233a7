"""Proves the crash table: at every seam crossing of every flow nothing is doubled, lost or hidden."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from engine.flows.commands import Answer
from engine.ledger import reads, work
from engine.ledger.intents import IntentView
from tests.flows.proving import prove
from tests.flows.rig import CrashError, Rig

STEPS = {
    "entry": ("fn_open_entry", "submit", "fn_persist_entry_lifecycle"),
    "exit": ("fn_open_exit", "submit", "fn_persist_exit_lifecycle"),
    "cancel": ("fn_request_cancel", "cancel", "fn_finish_order"),
}


def crossings(kind: str) -> list[str]:
    return [f"{point} {step}" for step in STEPS[kind] for point in ("before", "after")]


# What is left of an intent whose process died at the crossing: its state, and whether the order exists.
DIED = [
    (None, False),  # before step 1 commits: nothing happened
    ("sending", False),
    ("sending", False),
    ("sending", True),
    ("sending", True),
    ("confirmed", True),
]
# What a robot is answered when the connection is lost there, and what is left.
LOST = [
    ("OK", "confirmed", True),
    ("OK", "confirmed", True),
    ("NOT_PLACED", "not_placed", False),
    ("IN_DOUBT", "in_doubt", True),
    ("OK", "confirmed", True),
    ("OK", "confirmed", True),
]


def cancel_here() -> None:
    """End the task that crosses as a loop's shutdown does: its await is cancelled."""
    raise asyncio.CancelledError


async def ended(work_: Awaitable[Answer]) -> Answer | None:
    """Return the answer, None if whoever would give it is gone."""
    try:
        return await work_
    except (CrashError, asyncio.CancelledError):
        return None


async def of_profile(rig: Rig, profile_id: UUID, kind: str) -> list[IntentView]:
    views = await reads.list_orders(
        rig.observer, rig.tenant_id, {"profile_id": str(profile_id), "limit": 500}
    )
    return [view for view in views if view["kind"] == kind]


def start(rig: Rig, kind: str, name: str) -> Callable[[Any], Awaitable[Answer]]:
    """Return what runs the flow on a desk: always the same request of the same robot."""
    if kind == "entry":
        return lambda desk: desk.entries.run(rig.entry(profile=name, key=name))
    return lambda desk: desk.exits.run(rig.exit(profile=name, key=name))


async def prepared(rig: Rig, kind: str, name: str) -> UUID:
    profile_id = await rig.fresh(name)
    if kind == "exit":
        assert "OK" == (await rig.desk.entries.run(rig.entry(profile=name, key=f"{name}-buy"))).code
    return profile_id


async def check_held(rig: Rig, kind: str, name: str, profile_id: UUID, view: IntentView) -> None:
    """While it is unresolved its reservation stays, and the next of its kind is refused."""
    desk = rig.restart()
    if kind == "entry":
        assert view["reserved"] == (await rig.figures(profile_id))["reserved_for_orders"]
        assert "ENTRY_LOCKED" == (await desk.entries.run(rig.entry(profile=name))).code
    else:
        assert "INSUFFICIENT_POSITION" == (await desk.exits.run(rig.exit(profile=name))).code


async def check_proven(rig: Rig, kind: str, profile_id: UUID, *, exists: bool) -> None:
    """Proven, it is what the exchange has: filled and booked, or never placed and all given back."""
    (view,) = await of_profile(rig, profile_id, kind)
    if exists:
        assert view["order"] is not None
        assert ("confirmed", "filled") == (view["state"], view["order"]["status"])
    else:
        assert ("not_placed", "0") == (view["state"], view["remaining"])
    await rig.check_books()


@pytest.mark.parametrize("kind", ["entry", "exit"])
@pytest.mark.parametrize("death", ["crash", "cancelled"])
async def test_process_dies(rig: Rig, kind: str, death: str) -> None:
    """A process that dies, or is cancelled, at a crossing leaves a state that is right and visible."""
    for crossing, (state, exists) in zip(crossings(kind), DIED, strict=True):
        name = crossing.replace(" ", "-").replace("_", "-")
        profile_id = await prepared(rig, kind, name)
        before = len(rig.exchange_orders())
        rig.plug.when = crossing
        rig.plug.what = rig.plug.crash if death == "crash" else cancel_here
        assert await ended(start(rig, kind, name)(rig.desk)) is None, crossing
        await rig.desk.close(0)
        views = await of_profile(rig, profile_id, kind)
        assert ([state] if state else []) == [view["state"] for view in views], crossing
        assert int(exists) == len(rig.exchange_orders()) - before, crossing
        if state == "sending":
            await check_held(rig, kind, name, profile_id, views[0])
        # the robot asks again, of another process: it is never sent twice
        again = await start(rig, kind, name)(rig.restart())
        expected = {None: "OK", "sending": "INTENT_SENDING", "confirmed": "OK"}[state]
        assert (expected, state is not None) == (again.code, again.replay), crossing
        assert int(exists or state is None) == len(rig.exchange_orders()) - before, crossing
        await rig.check_books()
        await prove(rig)
        await check_proven(rig, kind, profile_id, exists=exists or state is None)


@pytest.mark.parametrize("kind", ["entry", "exit"])
async def test_connection_lost(rig: Rig, kind: str) -> None:
    """A connection that is lost at a crossing ends in an answer that is true, and in the state it says."""
    for crossing, (code, state, exists) in zip(crossings(kind), LOST, strict=True):
        name = crossing.replace(" ", "-").replace("_", "-")
        profile_id = await prepared(rig, kind, name)
        before = len(rig.exchange_orders())
        rig.plug.when, rig.plug.what = crossing, rig.plug.lose
        answer = await start(rig, kind, name)(rig.desk)
        (view,) = await of_profile(rig, profile_id, kind)
        assert (code, state, True) == (answer.code, view["state"], answer.recorded), crossing
        assert int(exists) == len(rig.exchange_orders()) - before, crossing
        if state == "in_doubt":
            await check_held(rig, kind, name, profile_id, view)
        if state == "not_placed" and kind == "entry":
            assert "1000" == (await rig.figures(profile_id))["available"]
        await rig.desk.close(1)
        await rig.check_books()
        await prove(rig)
        await check_proven(rig, kind, profile_id, exists=exists)


@pytest.mark.parametrize("kind", ["entry", "exit"])
async def test_caller_leaves(rig: Rig, kind: str) -> None:
    """A robot that hangs up at any crossing changes nothing: what was begun ends and is recorded."""
    for crossing in crossings(kind):
        name = crossing.replace(" ", "-").replace("_", "-")
        profile_id = await prepared(rig, kind, name)
        task = asyncio.ensure_future(start(rig, kind, name)(rig.desk))
        rig.plug.when, rig.plug.what = crossing, task.cancel
        assert await ended(task) is None, crossing
        await rig.desk.close(3)
        (view,) = await of_profile(rig, profile_id, kind)
        assert view["order"] is not None, crossing
        assert ("confirmed", "filled") == (view["state"], view["order"]["status"]), crossing
        await rig.check_books()


# A cancel whose process died at the crossing: status at the exchange and in the ledger, wish recorded.
CANCEL_DIED = [
    ("NEW", "open", False),
    ("NEW", "open", True),
    ("NEW", "open", True),
    ("CANCELED", "open", True),
    ("CANCELED", "open", True),
    ("CANCELED", "canceled", True),
]


async def cancel_state(rig: Rig, profile_id: UUID) -> tuple[str, str, bool]:
    (view,) = await of_profile(rig, profile_id, "entry")
    assert view["order"] is not None
    assert view["exchange_order_id"] is not None
    rig.exchange_orders()
    at_exchange = rig.paper.oracle.orders["BTCUSDT", int(view["exchange_order_id"])].status
    return at_exchange, view["order"]["status"], view["cancel_requested_at"] is not None


@pytest.mark.parametrize("death", ["crash", "cancelled"])
async def test_process_dies_while_canceling(rig: Rig, death: str) -> None:
    """A cancel that dies at a crossing stays due until it is done; repeated, it ends the order once."""
    for crossing, expected in zip(crossings("cancel"), CANCEL_DIED, strict=True):
        name = crossing.replace(" ", "-").replace("_", "-")
        profile_id = await rig.fresh(name)
        placed = await rig.desk.entries.run(rig.entry("0.01", "40000", profile=name))
        command = rig.cancel(placed)
        rig.plug.when = crossing
        rig.plug.what = rig.plug.crash if death == "crash" else cancel_here
        assert await ended(rig.desk.cancels.run(command)) is None, crossing
        await rig.desk.close(0)
        assert expected == await cancel_state(rig, profile_id), crossing
        due = expected[1:] == ("open", True)
        assert int(due) == len(await work.due_cancels(rig.observer)), crossing
        await rig.check_books()
        again = await rig.restart().cancels.run(command)
        assert "OK" == again.code, crossing
        assert ("CANCELED", "canceled", True) == await cancel_state(rig, profile_id), crossing
        assert "1000" == (await rig.figures(profile_id))["available"], crossing
        await rig.check_books()


async def test_connection_lost_while_canceling(rig: Rig) -> None:
    """A cancel that loses a connection ends the order, or stays due and ends it when it is repeated."""
    for crossing in crossings("cancel"):
        name = crossing.replace(" ", "-").replace("_", "-")
        profile_id = await rig.fresh(name)
        placed = await rig.desk.entries.run(rig.entry("0.01", "40000", profile=name))
        rig.plug.when, rig.plug.what = crossing, rig.plug.lose
        answer = await rig.desk.cancels.run(rig.cancel(placed))
        assert "OK" == answer.code, crossing
        await rig.desk.close(3)
        if crossing == "before cancel":
            assert ("recorded", 1) == (answer.details["cancel"], len(await work.due_cancels(rig.observer)))
            await rig.restart().cancels.run(rig.cancel(placed))
        assert ("CANCELED", "canceled", True) == await cancel_state(rig, profile_id), crossing
        assert Decimal(1000) == Decimal((await rig.figures(profile_id))["available"]), crossing
        await rig.check_books()
