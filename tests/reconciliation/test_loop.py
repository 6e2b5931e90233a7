"""Proves when passes happen, what the gate and the gauges say of them, and that a lost lease ends them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from engine.exchange.scheduler import CallClass
from engine.flows.lease import advance
from engine.ledger import leases, reconciliation_requests
from engine.ledger.leases import Stage as LeaseStage
from engine.loops.reconciliation import ReconciliationLoop, ReconciliationTimings
from engine.paper.faults import FaultKind, Match
from engine.runtime.tasks import Supervisor
from tests.flows.rig import until
from tests.paper.clients import KEY
from tests.reconciliation.stage import Stage

RARE = ReconciliationTimings(interval_s=600.0, again_s=0.01, look_s=0.02, stale_s=0.0)


@asynccontextmanager
async def looping(
    stage: Stage, timings: ReconciliationTimings = RARE
) -> AsyncIterator[tuple[ReconciliationLoop, Supervisor]]:
    """Run the loop of the account; stopped afterwards."""
    context = stage.desk.context
    loop = ReconciliationLoop(
        "paper", stage.rig.session, stage.lease, stage.reconciliation, context, timings=timings
    )
    supervisor = Supervisor(context.metrics, context.clock)
    supervisor.start("reconciliation", loop.run)
    try:
        yield loop, supervisor
    finally:
        assert [] == await supervisor.stop(5.0)


def sample(stage: Stage, name: str, **labels: str) -> float:
    """Return a metric's value, 0 if there is none."""
    registry = stage.desk.context.metrics.registry
    return registry.get_sample_value(f"holdfast_{name}", {"account": "paper", **labels}) or 0.0


def passes(stage: Stage, outcome: str) -> float:
    return sample(stage, "reconciliation_passes_total", outcome=outcome)


async def stage_of(stage: Stage) -> LeaseStage:
    (row,) = await leases.list_leases(stage.rig.observer, stage.rig.tenant_id)
    return row.stage


async def test_the_first_pass_opens_the_gate(stage: Stage) -> None:
    """A pass at start that finds all in order tells every process that the account is reconciled."""
    await advance(stage.desk.context.ledger, stage.lease, LeaseStage.RESOLVED)
    async with looping(stage):
        await until(lambda: passes(stage, "clean") == 1)
        await until(lambda: LeaseStage.RECONCILED in stage.lease.reached)
    assert LeaseStage.RECONCILED == await stage_of(stage)
    assert 0 < sample(stage, "reconciliation_last_success_timestamp_seconds")


async def test_the_gate_stays_closed_over_a_failing_start(stage: Stage) -> None:
    """While the exchange cannot be read, the account is not reconciled; the first whole pass opens it."""
    await advance(stage.desk.context.ledger, stage.lease, LeaseStage.RESOLVED)
    down = Match(path="/api/v3/myTrades")
    stage.rig.paper.fault(FaultKind.HTTP_5XX_BEFORE, match=down, count=None)
    await stage.place(price="50100")
    async with looping(stage) as (loop, _):
        await until(lambda: passes(stage, "failed") >= 2)
        assert LeaseStage.RECONCILED not in stage.lease.reached
        assert loop.problem is not None
        stage.rig.paper.faults.clear()
        await until(lambda: LeaseStage.RECONCILED in stage.lease.reached)
        await until(lambda: loop.problem is None)


async def test_differences_keep_it_closed_and_say_why(stage: Stage) -> None:
    """A first pass that leaves a shortfall open keeps entries closed with the kind as the reason."""
    await advance(stage.desk.context.ledger, stage.lease, LeaseStage.RESOLVED)
    matching = stage.rig.paper.matching
    matching.deposit(matching.accounts[KEY], "USDT", -(10**8))
    async with looping(stage):
        await until(lambda: passes(stage, "open") >= 2)
        assert LeaseStage.RECONCILED not in stage.lease.reached
        assert 1.0 == sample(stage, "reconciliation_mismatches", kind="balance_shortfall")
        (row,) = await leases.list_leases(stage.rig.observer, stage.rig.tenant_id)
        assert "differences stand: balance_shortfall" == row.stage_reason
        matching.deposit(matching.accounts[KEY], "USDT", 10**8)
        await until(lambda: LeaseStage.RECONCILED in stage.lease.reached)
        assert 0.0 == sample(stage, "reconciliation_mismatches", kind="balance_shortfall")


async def test_differences_are_looked_at_again_soon(stage: Stage) -> None:
    """After a pass that healed comes another one at once, not after the interval; then it rests."""
    view = await stage.view(await stage.place())
    stage.fill(view)
    async with looping(stage):
        await until(lambda: passes(stage, "clean") == 1)
        assert 1.0 == passes(stage, "healed")
        assert 1.0 == sample(stage, "reconciliation_healed_total", kind="missing_fill")
    await stage.rig.check_books()


async def test_a_symbol_that_is_not_listed_any_more(stage: Stage) -> None:
    """A symbol that the exchange took off its list is counted and left as it is; all else is compared."""
    await advance(stage.desk.context.ledger, stage.lease, LeaseStage.RESOLVED)
    gone = await stage.place("0.01", "2000", symbol="ETH/USDT")
    seen = await stage.view(await stage.place())
    stage.rig.delist("ETH/USDT")
    stage.fill(seen)
    async with looping(stage):
        await until(lambda: passes(stage, "clean") >= 1)
        assert 2.0 == sample(stage, "reconciliation_unlisted_symbols")
        assert LeaseStage.RECONCILED in stage.lease.reached
        answer = await ask(stage, dry_run=True)
    # what the ledger calls it, and what the exchange does in its list of open orders
    assert ["ETH/USDT", "ETHUSDT"] == answer["unlisted"]
    assert 0.0 == sample(stage, "reconciliation_unlisted_symbols")
    statuses = [(await stage.view(each))["order"]["status"] for each in (gone, UUID(seen["id"]))]
    assert ["open", "filled"] == statuses


async def test_a_lost_stream_brings_a_pass(stage: Stage) -> None:
    """Who has missed something asks for a pass, and gets it long before the interval is over."""
    async with looping(stage) as (loop, _):
        await until(lambda: passes(stage, "clean") == 1)
        view = await stage.view(await stage.place())
        stage.fill(view)
        loop.request("stream lost")
        await until(lambda: passes(stage, "healed") == 1)
    rows = await reconciliation_requests.list_passes(stage.rig.observer, stage.rig.tenant_id, {})
    assert "stream lost" in {row["cause"] for row in rows}


async def test_requests_are_answered(stage: Stage) -> None:
    """A pass that somebody asked for is done by the holder, dry or not, and answered with what it found."""
    view = await stage.view(await stage.place())
    async with looping(stage):
        await until(lambda: passes(stage, "clean") == 1)
        stage.fill(view)
        found = [await ask(stage, dry_run=dry_run) for dry_run in (True, False)]
    outcomes = [{each["outcome"] for each in one["differences"]} for one in found]
    assert [{"open"}, {"healed"}] == outcomes
    assert [True, False] == [one["dry_run"] for one in found]


async def ask(stage: Stage, *, dry_run: bool) -> Any:
    ledger, tenant_id = stage.rig.observer, stage.rig.tenant_id
    asked = await reconciliation_requests.request_pass(
        ledger, tenant_id, stage.rig.account_id, None, dry_run=dry_run, actor="operator:ann"
    )
    async with asyncio.timeout(5.0):
        while True:
            answer = await reconciliation_requests.get_request(ledger, tenant_id, asked)
            assert answer is not None
            if answer.result is not None:
                return answer.result
            await asyncio.sleep(0.01)


async def test_a_lost_lease_ends_the_loop(stage: Stage) -> None:
    """When another process has the account, the loop ends by itself and its gauges are at zero."""
    matching = stage.rig.paper.matching
    matching.deposit(matching.accounts[KEY], "USDT", -(10**8))
    async with looping(stage) as (_, supervisor):
        await until(lambda: passes(stage, "open") >= 1)
        stage.lease.lose("test")
        await until(lambda: not supervisor.health()[0].running)
    assert 0.0 == sample(stage, "reconciliation_mismatches", kind="balance_shortfall")


async def test_passes_keep_to_their_share_of_the_budget(stage: Stage) -> None:
    """However short the interval, a burst of passes is followed by a rest that makes up for its weight."""
    scheduler = stage.rig.gateway.scheduler
    spent = scheduler.spent(CallClass.RECONCILIATION)
    hurried = ReconciliationTimings(interval_s=0.001, again_s=0.001, look_s=0.001)
    async with looping(stage, hurried) as (loop, _):
        await until(lambda: loop._due_at > stage.desk.context.clock.monotonic() + 1.0, timeout_s=20.0)
        used = scheduler.spent(CallClass.RECONCILIATION) - spent
    least, most = 60 * 0.2 * 100, 60 * 0.2 * 100 + 2 * used / passes(stage, "clean")
    assert least <= used <= most
