"""The dead-man's switch through flow and loop: its cancels reach the exchange, also when the process dies."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from engine.domain.ids import uuid7
from engine.flows.lease import Lease
from engine.flows.switch import SwitchFlow
from engine.ledger import leases, switches, work
from engine.ledger.switches import Setting
from engine.loops.switches import Switches
from engine.loops.trading import Trading
from engine.paper.server import PaperExchange
from engine.runtime.metrics import Metrics
from engine.runtime.tasks import Heartbeat
from tests.database.servers import Database
from tests.flows.rig import PATIENT, CrashError, Rig, open_rig

TIMEOUT_MS = 600_000


@pytest.fixture
async def rig(database: Database, paper: PaperExchange) -> AsyncIterator[Rig]:
    async with open_rig(database, paper, timings=PATIENT, call_timeout_s=30.0) as opened:
        yield opened


async def armed(rig: Rig, action: str = "cancel", *, on_disconnect: bool = False) -> None:
    """Arm the switch of the rig's robot."""
    profile_id = None if action == "cancel" else rig.profile_id
    setting = Setting(TIMEOUT_MS, action, profile_id, on_disconnect)
    await switches.arm(rig.observer, rig.tenant_id, rig.robot_id, setting)


async def hold_lease(rig: Rig) -> None:
    """Let this process speak for the account, as the loops of a daemon do."""
    context = rig.desk.context
    taken = await leases.take(rig.observer, rig.tenant_id, rig.account_id, context.owner, 600_000)
    rig.session.lease = Lease(
        rig.tenant_id,
        rig.account_id,
        taken.row.fencing_token,
        context.clock,
        began=context.clock.monotonic(),
        ttl_s=600,
    )


async def look(rig: Rig) -> int:
    """Do one look of both loops, as each instance does."""
    context = rig.desk.context
    fired = await Switches(context, SwitchFlow(context)).look()
    heartbeat = Heartbeat("trading", Metrics(), context.clock, asyncio.Event())
    await Trading(context, rig.desk.cancels)._look(heartbeat)
    return fired


def open_at_exchange(paper: PaperExchange) -> int:
    """How many orders rest in the exchange's own books."""
    paper.oracle.catch_up()
    return sum(1 for order in paper.oracle.orders.values() if order.status in {"NEW", "PARTIALLY_FILLED"})


async def test_a_silent_robots_orders_are_canceled_at_the_exchange(rig: Rig, paper: PaperExchange) -> None:
    """Nothing before its time; after it every open order of the robot is canceled and its capital is back."""
    await hold_lease(rig)
    for price in ("40000", "40001"):
        assert (await rig.desk.entries.run(rig.entry(price=price))).ok
    await armed(rig)
    assert 0 == await look(rig)
    assert 2 == open_at_exchange(paper)
    await rig.database.advance_clock(TIMEOUT_MS / 1000)
    assert 1 == await look(rig)
    assert 0 == open_at_exchange(paper)
    assert "1000" == (await rig.figures())["available"]
    assert 0 == await look(rig)
    view = await switches.get(rig.observer, rig.tenant_id, rig.robot_id)
    assert view is not None
    assert (2, "timeout") == (view["fired_cancels"], view["fired_cause"])
    await rig.check_books()


async def test_a_disconnect_acts_where_it_was_asked_for(rig: Rig, paper: PaperExchange) -> None:
    """The hook for the feed: without the wish nothing, with it at once, and only once."""
    await hold_lease(rig)
    assert (await rig.desk.entries.run(rig.entry(price="40000"))).ok
    flow = SwitchFlow(rig.desk.context)
    await armed(rig)
    assert not await flow.disconnected(rig.tenant_id, rig.robot_id)
    await armed(rig, on_disconnect=True)
    assert await flow.disconnected(rig.tenant_id, rig.robot_id)
    assert not await flow.disconnected(rig.tenant_id, rig.robot_id)
    await look(rig)
    assert 0 == open_at_exchange(paper)


async def test_a_halt_stops_what_comes_after(rig: Rig) -> None:
    """Mode and cancels both; what the robot's late twin sends then is denied."""
    await hold_lease(rig)
    await armed(rig, "halt")
    await rig.database.advance_clock(TIMEOUT_MS / 1000)
    await look(rig)
    answer = await rig.desk.entries.run(rig.entry(price="40000"))
    assert ("MODE_HALTED", "dead-man's switch: timeout") == (answer.code, answer.details["reason"])


CROSSINGS = [
    "before fn_fire_switch",
    "after fn_fire_switch",
    "before fn_sweep_switch",
    "after fn_sweep_switch",
    "before cancel",
    "after cancel",
]


@pytest.mark.parametrize("crossing", CROSSINGS)
async def test_a_crash_at_each_crossing_is_taken_up_by_another_instance(
    rig: Rig, paper: PaperExchange, crossing: str
) -> None:
    """Whatever was done before the kill, the next instance finishes it: fired once, canceled, books equal."""
    await hold_lease(rig)
    assert (await rig.desk.entries.run(rig.entry(price="40000"))).ok
    await armed(rig, "halt")
    await rig.database.advance_clock(TIMEOUT_MS / 1000)
    rig.plug.when, rig.plug.what = crossing, rig.plug.crash
    with pytest.raises(CrashError):
        await look(rig)
    rig.desk = rig.restart()
    await look(rig)
    assert 0 == open_at_exchange(paper)
    assert [] == await switches.due(rig.observer)
    assert [] == await work.due_cancels(rig.observer)
    fired = "SELECT count(*) FROM engine.outbox WHERE type = 'dead_mans_switch.fired'"
    assert 1 == await (await rig.database.admin()).fetchval(fired)
    figures = await rig.figures()
    assert ("halted", "1000") == (figures["mode"], figures["available"])
    await rig.check_books()


async def test_one_that_fails_holds_up_no_other(rig: Rig) -> None:
    """The reply of the first firing gets lost: the second robot's switch fires in the same look."""
    await armed(rig)
    second = uuid7(1, b"0123456789")
    await rig.observer.call("fn_create_robot", rig.tenant_id, second, "second", "test")
    await switches.arm(rig.observer, rig.tenant_id, second, Setting(TIMEOUT_MS, "cancel", None, False))
    await rig.database.advance_clock(TIMEOUT_MS / 1000)
    rig.plug.when, rig.plug.what = "after fn_fire_switch", rig.plug.lose
    assert 1 == await look(rig)
    await look(rig)
    for robot_id in (rig.robot_id, second):
        view = await switches.get(rig.observer, rig.tenant_id, robot_id)
        assert view is not None
        assert 0 == view["fired_cancels"]
