"""Proves what a holder knows of its lease: that it stops in time, and what it tells of its progress."""

from uuid import uuid4

import pytest

from engine.domain.errors import ErrorCode, HoldfastError
from engine.flows.lease import Lease, advance, fall_back
from engine.ledger import leases
from engine.ledger.leases import LeaseRow, Stage
from engine.runtime.clock import Clock
from tests.flows.rig import Rig

TTL_S = 60.0


def lease_of(clock: Clock) -> Lease:
    return Lease(uuid4(), uuid4(), 7, clock, began=clock.monotonic(), ttl_s=TTL_S)


def refusal(lease: Lease) -> ErrorCode | None:
    """Return the code with which the next outside effect is stopped."""
    try:
        lease.check()
    except HoldfastError as error:
        return error.code
    return None


def test_a_lease_ends_here_before_it_ends_in_the_database() -> None:
    """Its holder stops a margin before the lifetime is over; each renewal counts from before its call."""
    clock = Clock()
    lease = lease_of(clock)
    clock.advance(TTL_S * 0.5)
    assert (True, None) == (lease.live, refusal(lease))
    lease.renewed(clock.monotonic(), TTL_S)
    clock.advance(TTL_S * 0.85)
    assert lease.live
    clock.advance(TTL_S * 0.1)
    assert (False, ErrorCode.LEASE_LOST) == (lease.live, refusal(lease))


def test_who_was_told_of_the_loss_is_never_told_otherwise() -> None:
    """Once an effect was stopped, a late renewal does not revive the lease: its loops have ended."""
    clock = Clock()
    lease = lease_of(clock)
    clock.advance(TTL_S)
    lease.renewed(clock.monotonic(), TTL_S)
    assert (True, None) == (lease.live, lease.lost)  # nobody noticed, so nobody ended
    clock.advance(TTL_S)
    assert ErrorCode.LEASE_LOST == refusal(lease)
    lease.renewed(clock.monotonic(), TTL_S)
    assert (False, ErrorCode.LEASE_LOST) == (lease.live, refusal(lease))
    assert lease.changed.is_set()


@pytest.fixture
async def held(rig: Rig) -> Lease:
    taking = await leases.take(rig.ledger, rig.tenant_id, rig.account_id, uuid4(), round(TTL_S * 1000))
    clock = rig.ledger.clock
    return Lease(
        rig.tenant_id,
        rig.account_id,
        taking.row.fencing_token,
        clock,
        began=clock.monotonic(),
        ttl_s=TTL_S,
    )


async def row(rig: Rig) -> LeaseRow:
    (only,) = await leases.list_leases(rig.observer, rig.tenant_id)
    return only


@pytest.mark.parametrize(
    "order",
    [
        (Stage.READ, Stage.RESOLVED, Stage.RECONCILED),
        (Stage.RESOLVED, Stage.RECONCILED, Stage.READ),
        (Stage.RECONCILED, Stage.READ, Stage.RESOLVED),
    ],
)
async def test_stages_are_told_in_order_whoever_is_first(
    rig: Rig, held: Lease, order: tuple[Stage, ...]
) -> None:
    """Others see a stage only when all before it are reached; in the end they see the last one."""
    reached = {Stage.TAKEN}
    for stage in order:
        await advance(rig.ledger, held, stage)
        reached.add(stage)
        told = (await row(rig)).stage
        assert held.stage == told
        assert all(each in reached for each in list(Stage)[: list(Stage).index(told) + 1])
    assert Stage.RECONCILED == (await row(rig)).stage


async def test_a_stage_falls_back_with_its_reason(rig: Rig, held: Lease) -> None:
    """What does not hold any more is told with its reason, and reached again by itself."""
    for stage in (Stage.READ, Stage.RESOLVED, Stage.RECONCILED):
        await advance(rig.ledger, held, stage)
    await fall_back(rig.ledger, held, Stage.RESOLVED, "passes fail")
    assert (Stage.RESOLVED, "passes fail") == ((await row(rig)).stage, (await row(rig)).stage_reason)
    await advance(rig.ledger, held, Stage.RECONCILED)
    assert (Stage.RECONCILED, None) == ((await row(rig)).stage, (await row(rig)).stage_reason)


async def test_only_the_holder_tells_stages(rig: Rig, held: Lease) -> None:
    """Who was taken over learns it when it tells a stage, and tells no other one."""
    await rig.database.advance_clock(TTL_S + 1)
    taken = await leases.take(rig.observer, rig.tenant_id, rig.account_id, uuid4(), 60_000)
    assert taken.took_over
    for _ in range(2):
        with pytest.raises(HoldfastError) as refused:
            await advance(rig.ledger, held, Stage.READ)
        assert ErrorCode.LEASE_LOST == refused.value.code
    assert Stage.TAKEN == (await row(rig)).stage
