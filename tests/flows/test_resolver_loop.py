"""Proves that the resolver's loop settles what it finds, says so, and acts no more once the lease is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from engine.ledger import leases
from engine.ledger.leases import Stage
from engine.loops.resolver import ResolverLoop
from engine.paper.faults import FaultKind
from engine.runtime.tasks import Supervisor
from tests.flows.proving import Court, fault, open_court
from tests.flows.rig import Rig, until


@asynccontextmanager
async def looping(rig: Rig, court: Court) -> AsyncIterator[ResolverLoop]:
    """Run the loop of a court's resolver."""
    context = court.desk.context
    loop = ResolverLoop("paper", rig.session, court.lease, court.resolver, context)
    supervisor = Supervisor(context.metrics, context.clock)
    supervisor.start("resolver", loop.run)
    try:
        yield loop
    finally:
        assert [] == await supervisor.stop(5.0)


async def state_becomes(rig: Rig, wanted: str) -> None:
    async with asyncio.timeout(5):
        while (await rig.only_intent())["state"] != wanted:  # noqa: ASYNC110 - it lies behind sockets
            await asyncio.sleep(0.01)


async def test_settles_and_reaches_its_stage(rig: Rig) -> None:
    """What is in doubt is settled without anybody asking; the stage is told once its predecessor is."""
    court = await open_court(rig)
    async with looping(rig, court):
        fault(rig, FaultKind.DROP_AFTER)
        assert "IN_DOUBT" == (await rig.desk.entries.run(rig.entry())).code
        await state_becomes(rig, "confirmed")
        await until(lambda: Stage.RESOLVED in court.lease.reached)
    (row,) = await leases.list_leases(rig.observer, rig.tenant_id)
    assert Stage.TAKEN is row.stage  # the exchange's state is not read yet
    court.lease.reached.add(Stage.READ)
    await court.lease.tell(rig.observer, None)
    (row,) = await leases.list_leases(rig.observer, rig.tenant_id)
    assert Stage.RESOLVED is row.stage
    await rig.check_books()


async def test_exchange_that_does_not_answer(rig: Rig) -> None:
    """While the exchange does not even tell its time the loop says why, and goes on when it does again."""
    fault(rig, FaultKind.DROP_AFTER)
    await rig.desk.entries.run(rig.entry())
    court = await open_court(rig)
    rig.plug.down, rig.plug.when, rig.plug.what = False, "before time", rig.plug.lose
    rig.plug.times = 1000
    async with looping(rig, court) as loop:
        await until(lambda: loop.problem is not None)
        assert "EXCHANGE_UNAVAILABLE" in str(loop.problem)
        assert Stage.RESOLVED not in court.lease.reached
        rig.plug.times = 0
        await state_becomes(rig, "confirmed")
        await until(lambda: loop.problem is None)


async def test_lost_lease_ends_it_before_its_next_step(rig: Rig) -> None:
    """A holder that lost its lease in the middle of a look asks nothing and writes nothing after it."""
    fault(rig, FaultKind.DROP_AFTER)
    await rig.desk.entries.run(rig.entry())
    court = await open_court(rig, faulty=True)
    rig.plug.when = "after find_order"
    rig.plug.what = lambda: court.lease.lose("another process has taken it over")
    context = court.desk.context
    loop = ResolverLoop("paper", rig.session, court.lease, court.resolver, context)
    supervisor = Supervisor(context.metrics, context.clock)
    rig.plug.crossings.clear()
    supervisor.start("resolver", loop.run)
    await until(lambda: "after find_order" in rig.plug.crossings)
    await until(lambda: not any(each.running for each in supervisor.health()))
    assert "after find_order" == rig.plug.crossings[-1]
    assert [] == await supervisor.stop(1.0)
    assert "in_doubt" == (await rig.only_intent())["state"]


async def test_stop_waits_for_no_answer(rig: Rig) -> None:
    """A stop ends the loop in the middle of a read that takes its time; the intent stays as it was."""
    fault(rig, FaultKind.DROP_AFTER)
    await rig.desk.entries.run(rig.entry())
    court = await open_court(rig)
    never = asyncio.Event()
    rig.plug.when, rig.plug.what = "before find_order", never.wait
    rig.plug.crossings.clear()
    async with looping(rig, court):
        await until(lambda: "before find_order" in rig.plug.crossings)
    assert "in_doubt" == (await rig.only_intent())["state"]
    assert "before find_order" == rig.plug.crossings[-1]


async def test_zombie_releases_nothing(rig: Rig) -> None:
    """A holder that was stopped and resumed after a takeover is refused by the database, and stops."""
    fault(rig, FaultKind.DROP_BEFORE)
    await rig.desk.entries.run(rig.entry())
    zombie = await open_court(rig)
    await zombie.later(20)
    assert 1 == (await zombie.once()).waiting
    await rig.database.advance_clock(61)
    rig.paper.clock.advance(5_000)
    living = await open_court(rig)
    async with looping(rig, zombie):
        await until(lambda: zombie.lease.lost is not None)
    assert "in_doubt" == (await rig.only_intent())["state"]
    assert 1 == (await living.once()).absent  # from the zombie's first read on: it was a true one
    await rig.check_books()
