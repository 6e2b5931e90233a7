"""Proves that a pass may end anywhere, by a crash or a lost lease, and the next one finishes its work."""

from dataclasses import replace
from decimal import Decimal

import pytest

from engine.domain.errors import ErrorCode, HoldfastError, Outcome
from engine.exchange.scheduler import Scheduler
from engine.exchange.tiers import Limits
from engine.flows.desk import open_desk
from engine.ledger import capital, leases
from engine.ledger.capital import By
from engine.paper.faults import FaultKind, Match
from tests.flows.rig import CrashError
from tests.paper.clients import KEY
from tests.reconciliation.stage import Stage, new_key, open_stage

WRITES = {
    "fn_begin_pass",
    "fn_drain_unmatched",
    "fn_lock_reconciliation",
    "fn_record_proof",
    "fn_persist_entry_lifecycle",
    "fn_apply_fill",
    "fn_finish_order",
    "fn_unlock_reconciliation",
    "fn_compare_account",
    "fn_finish_pass",
}


async def trouble(stage: Stage) -> None:
    """Make one of each: a missed fill, a missed end, an order in doubt, a stranger's trade, a deposit."""
    rig = stage.rig
    filled, canceled = [await stage.view(await stage.place()) for _ in range(2)]
    stage.fill(filled)
    stage.cancel(canceled)
    rig.paper.fault(FaultKind.DROP_AFTER, match=Match(method="POST", path="/api/v3/order"))
    answer = await stage.desk.entries.run(rig.entry("0.001", "50100"))
    assert Outcome.UNKNOWN == answer.outcome, answer
    await stage.foreign("buy", "0.004")
    stage.deposit("USDT", "25")


async def crossings_of_a_pass(stage: Stage) -> list[str]:
    """Return what a healing pass crosses, from a run of it."""
    await trouble(stage)
    stage.rig.plug.crossings.clear()
    await stage.run()
    return list(stage.rig.plug.crossings)


async def recovered(stage: Stage) -> None:
    """Check that a fresh process brings all in order within two passes, and a third changes nothing."""
    rig = stage.rig
    desk = rig.restart()
    fresh = await open_stage(rig, desk=open_desk(replace(desk.context, owner=stage.desk.context.owner)))
    for _ in range(2):
        report = await fresh.run()
    before = await fresh.rows()
    report = await fresh.run()
    assert ("clean", {}, "compared") == (report.outcome, report.open, report.equations), report
    assert before == await fresh.rows()
    await fresh.check_equations()
    assert {"filled", "canceled"} == {view["order"]["status"] for view in await rig.intents()}
    intents = {view["client_order_id"]: view["exchange_order_id"] for view in await rig.intents()}
    ours = {own: ids for own, ids in rig.exchange_orders().items() if own != "by-hand"}
    assert {own: [number] for own, number in intents.items()} == ours


async def test_a_crash_at_every_write(stage: Stage) -> None:
    """At whatever write of a healing pass a process dies, before or after it, nothing is lost or doubled."""
    crossed = dict.fromkeys(await crossings_of_a_pass(stage))
    writes = [each for each in crossed if each.split()[1] in WRITES]
    assert 2 * len(WRITES) == len(writes)
    rig = stage.rig
    by = By("test", "plenty", new_key())
    await capital.allocate(rig.observer, rig.tenant_id, rig.profile_id, Decimal(50_000), by)
    plenty = Limits(weight=10**9, weight_window_s=60, orders=10**9, orders_window_s=10)
    scheduler = Scheduler(plenty, monotonic=stage.desk.context.clock.monotonic)
    rig.gateway.scheduler = rig.gateway.seam.scheduler = scheduler
    for write in writes:
        await trouble(stage)
        rig.plug.crossings.clear()
        rig.plug.when, rig.plug.what, rig.plug.times = write, rig.plug.crash, 1
        with pytest.raises(CrashError):
            await stage.run()
        rig.plug.dead, rig.plug.when = False, None
        await recovered(stage)
        stage = await open_stage(rig, desk=stage.desk)


async def test_a_lease_lost_on_the_way(stage: Stage) -> None:
    """A pass whose lease another process has taken writes nothing of what its holder alone may write."""
    rig = stage.rig
    await trouble(stage)
    before = await stage.unassigned()

    async def taken() -> None:
        await leases.release(rig.observer, rig.tenant_id, rig.account_id, stage.lease.token)

    rig.plug.when, rig.plug.what = "after balances", taken
    with pytest.raises(HoldfastError) as raised:
        await stage.run()
    assert raised.value.code in {ErrorCode.STALE_TOKEN, ErrorCode.LEASE_LOST}
    assert before == await stage.unassigned()
    rig.plug.when = None
    fresh = await open_stage(rig, desk=stage.desk)
    assert "healed" == (await fresh.run()).outcome
    await fresh.converge()
    await fresh.check_equations()


async def test_a_database_that_is_gone_for_a_moment(stage: Stage) -> None:
    """A pass that cannot write fails, and the next one does its work: the exchange still has the facts."""
    rig = stage.rig
    await trouble(stage)
    for function in ("fn_begin_pass", "fn_attribute_orders", "fn_compare_profile", "fn_finish_pass"):
        rig.plug.when, rig.plug.what, rig.plug.times = f"before {function}", rig.plug.lose, 1
        with pytest.raises(HoldfastError) as raised:
            await stage.run()
        assert ErrorCode.DATABASE_UNAVAILABLE == raised.value.code
    rig.plug.when = None
    await stage.converge()
    await stage.run()
    await stage.check_equations()


async def test_money_moves_once_however_often_it_is_told(stage: Stage) -> None:
    """A transfer or a stranger's trade whose booking lost its reply is not booked again."""
    rig = stage.rig
    await stage.place()
    await stage.run()
    await stage.foreign("buy", "0.004")
    stage.deposit("USDT", "25")
    rig.plug.when, rig.plug.what, rig.plug.times = "after fn_compare_account", rig.plug.lose, 2
    for _ in range(2):
        with pytest.raises(HoldfastError):
            await stage.run()
    await stage.converge()
    await stage.check_equations()
    assert rig.paper.matching.accounts[KEY].transfers
