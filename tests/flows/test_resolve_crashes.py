"""Proves that a resolver may die at any crossing: another goes on from what the database holds."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from engine.domain.errors import HoldfastError
from engine.exchange.tiers import Tier
from engine.flows.commands import CancelCommand
from engine.ledger import leases, orders, work
from engine.ledger.intents import IntentView
from engine.loops.polling import OpenOrders
from engine.paper.faults import FaultKind
from tests.flows.proving import Court, fault, open_court
from tests.flows.rig import CrashError, Rig

WANTED = {
    "present": ("confirmed", True),
    "absent": ("not_placed", False),
    "canceled": ("confirmed", True),
    "operator": ("needs_operator", False),  # of an exchange that cannot be asked by our id
}


async def doubted(rig: Rig, case: str, name: str) -> Court:
    """Leave an entry in doubt whose request cannot arrive any more, and open a court that can die."""
    await rig.fresh(name)
    await rig.gateway.measure_clock()
    rig.gateway.circuit._failures = {True: 0, False: 0}  # so many lost answers in a row open it, rightly
    if case == "operator":
        rig.gateway.facts = replace(rig.gateway.facts, tier=Tier.C, query_param=None)
    fault(rig, FaultKind.DROP_AFTER if WANTED[case][1] else FaultKind.DROP_BEFORE)
    price = "49000" if case == "canceled" else "50100"
    answer = await rig.desk.entries.run(rig.entry("0.001", price, profile=name))
    assert answer.intent is not None
    if case == "canceled":
        await orders.request_cancel(rig.observer, rig.tenant_id, UUID(answer.intent["id"]), "robot:test")
    court = await open_court(rig, faulty=True)
    rig.paper.clock.advance(80_000 if case == "operator" else 20_000)
    await rig.gateway.measure_clock()
    return court


async def settle(rig: Rig, court: Court) -> None:
    """Look until nothing is left to look at."""
    for _ in range(6):
        found = await court.once()
        if found.again_at_ms is None:
            return
        rig.paper.clock.advance(max(0, found.again_at_ms - rig.paper.clock.now_ms()) + 50)
    raise AssertionError(f"not settled: {court.seen[-3:]} {await court.proofs()}")


async def end(rig: Rig, court: Court) -> None:
    """End a court, dead or alive, and free its lease as time would."""
    await court.desk.close(0)
    await leases.release(rig.observer, rig.tenant_id, rig.account_id, court.lease.token)


async def check(rig: Rig, case: str, name: str) -> None:
    """One order or none, one end, books that agree."""
    state, exists = WANTED[case]
    (view,) = [each for each in await rig.intents() if each["profile_id"] == str(rig.profiles[-1])]
    assert (state, exists) == (view["state"], view["client_order_id"] in rig.exchange_orders()), name
    figures = await rig.figures(rig.profiles[-1])
    if case == "present":
        assert ("filled", "0") == (_status(view), figures["reserved_for_orders"]), name
    else:
        held = "50.1501" if case == "operator" else "0"
        assert held == figures["reserved_for_orders"], name
    if case == "canceled":
        assert "canceled" == _status(view), name
    await rig.check_books()


async def crossings(rig: Rig, case: str) -> list[str]:
    """Return what a resolver crosses in a case, each time it does."""
    court = await doubted(rig, case, f"{case}-whole")
    rig.plug.crossings.clear()
    await settle(rig, court)
    crossed = list(rig.plug.crossings)
    await end(rig, court)
    await check(rig, case, "whole")
    return crossed


@pytest.mark.parametrize("case", list(WANTED))
async def test_resolver_dies(rig: Rig, case: str) -> None:
    """Whatever crossing a resolver dies at, the next one settles the intent the same way, once."""
    for place, crossing in enumerate(await crossings(rig, case), 1):
        court = await doubted(rig, case, f"{case}-{place}")
        fault_at(rig, place, rig.plug.crash)
        with pytest.raises(CrashError):
            await settle(rig, court)
        await end(rig, court)
        again = await open_court(rig)
        await settle(rig, again)
        await end(rig, again)
        await follow_up(rig)
        await check(rig, case, f"{place} {crossing}")


@pytest.mark.parametrize("case", list(WANTED))
async def test_connection_lost(rig: Rig, case: str) -> None:
    """A connection that is lost at any crossing costs a look, and changes nothing else."""
    for place, crossing in enumerate(await crossings(rig, case), 1):
        court = await doubted(rig, case, f"{case}-{place}")
        fault_at(rig, place, rig.plug.lose)
        try:
            await settle(rig, court)
        except HoldfastError:  # the loop looks again
            rig.paper.clock.advance(60_000)
            await settle(rig, court)
        assert 0 == rig.plug.times, crossing
        await end(rig, court)
        await follow_up(rig)
        await check(rig, case, f"{place} {crossing}")


def fault_at(rig: Rig, place: int, what: Callable[[], Any]) -> None:
    """Let something happen once at the crossing of that place, counted from now."""
    rig.plug.crossings.clear()
    rig.plug.place, rig.plug.what, rig.plug.times = place, what, 1


async def follow_up(rig: Rig) -> None:
    """Do what the holder's other loops do: poll open orders, send the cancels that are recorded."""
    rig.plug.place = None
    desk = rig.restart()
    await OpenOrders("paper", rig.session, desk.context, desk.recorder, 25).poll(asyncio.Event())
    for due in await work.due_cancels(rig.observer):
        await desk.cancels.run(CancelCommand(due.tenant_id, due.intent_id, "engine"))


def _status(view: IntentView) -> str | None:
    return None if view["order"] is None else view["order"]["status"]
