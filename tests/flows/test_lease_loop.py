"""Proves that of several instances one follows an account, and that another takes over when it is gone."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from engine.domain.errors import ErrorCode, HoldfastError
from engine.flows.lease import advance
from engine.ledger import leases
from tests.flows.holding import STAGES, TTL_S, Instance, instances
from tests.flows.proving import open_court
from tests.flows.rig import Rig, until


@pytest.fixture
async def pair(rig: Rig) -> AsyncIterator[list[Instance]]:
    async with instances(rig) as made:
        yield made


async def reconciled(instance: Instance) -> None:
    for stage in STAGES:
        await advance(instance.context.ledger, instance.lease, stage)


def refused(instance: Instance, kind: Any) -> str | None:
    """Return the gate that refuses an entry or exit at an instance."""
    try:
        instance.session.check_open(kind)
    except HoldfastError as error:
        return str(error.details["gate"])
    return None


async def test_one_holds_and_both_take_entries(pair: list[Instance]) -> None:
    """The second learns from the lease's row how far the first has come: gates open in order, at both."""
    first, second = pair
    assert [None, None] == [refused(each, "entry") for each in pair]  # nothing keeps the lease yet
    first.start()
    await first.holds()
    second.start()
    for each in pair:
        await each.sees("resolver", "being read")
        assert ("resolver", "resolver") == (refused(each, "entry"), refused(each, "exit"))
    expected = [("resolver", "in doubt"), ("reconciliation", "first pass"), (None, None)]
    for stage, (gate, reason) in zip(STAGES, expected, strict=True):
        await advance(first.context.ledger, first.lease, stage)
        for each in pair:
            await each.sees(gate, reason)
            assert (gate, None) == (refused(each, "entry"), refused(each, "exit"))
    assert (None, [], 1) == (second.session.lease, second.begun, len(first.begun))


async def test_a_dead_holder_is_taken_over_after_its_ttl(rig: Rig, pair: list[Instance]) -> None:
    """Until the lease has expired by the database's clock nobody acts; then the other begins anew."""
    first, second = pair
    first.start()
    await first.holds()
    await reconciled(first)
    second.start()
    await second.sees(None)
    await first.freeze()
    await rig.database.advance_clock(TTL_S - 2)
    second.plug.crossings.clear()
    await until(lambda: second.plug.crossings.count("after fn_take_lease") > 2)
    assert second.session.lease is None
    await rig.database.advance_clock(3)
    await second.holds()
    await second.sees("resolver", "being read")
    assert first.lease.token < second.lease.token
    assert ("resolver", None) == (refused(second, "entry"), refused(second, "exit"))  # its state was read
    sample = second.context.metrics.registry.get_sample_value
    change = {"account": "paper", "change": "taken over"}
    assert 1 == sample("holdfast_lease_changes_total", change)


async def test_a_resumed_holder_stops_before_its_next_effect(rig: Rig, pair: list[Instance]) -> None:
    """A process that slept past its lease is refused by itself, then by the database, and ends its loops."""
    first, second = pair
    first.start()
    await first.holds()
    zombie = first.lease
    await first.freeze()
    await rig.database.advance_clock(TTL_S + 1)
    second.start()
    await second.holds()
    first.clock.advance(TTL_S + 1)  # it wakes
    with pytest.raises(HoldfastError) as stopped:
        zombie.check()
    assert ErrorCode.LEASE_LOST == stopped.value.code
    assert not await leases.release(first.context.ledger, rig.tenant_id, rig.account_id, zombie.token)
    awake = Instance(first.context, first.clock, first.plug, first.session, first.supervisor)
    await awake.leases._turn(_seat(awake))
    assert (1, None) == (awake.ended, first.session.lease)
    assert awake.first_closed()[0] is not None
    (row,) = await leases.list_leases(rig.observer, rig.tenant_id)
    assert (second.context.owner, second.lease.token) == (row.holder, row.fencing_token)


def _seat(instance: Instance) -> Any:
    instance.leases.keep("paper", instance.session)
    return instance.leases._seats["paper"]


async def test_a_stop_lets_the_next_one_begin_at_once(pair: list[Instance]) -> None:
    """Released leases are taken without any clock moving, and the ended instance counts no more."""
    first, second = pair
    first.start()
    await first.holds()
    second.start()
    await until(lambda: second.leases._instances == 2)
    await first.supervisor.stop(1.0)
    await first.leases.release()
    await second.holds()
    (row,) = await leases.list_leases(second.context.ledger, second.session.tenant_id)
    assert (second.context.owner, None) == (row.holder, first.session.lease)
    living = await leases.renew_instance(second.context.ledger, second.context.owner, "test", "hash", 60_000)
    assert 1 == living.instances


async def test_a_lost_database_ends_the_lease_and_its_return_begins_anew(pair: list[Instance]) -> None:
    """Renewals that fail are borne until the lease's time is over; then its loops end, to begin again."""
    only = pair[0]
    only.start()
    await only.holds()
    held = only.lease
    only.plug.down = True
    only.clock.advance(TTL_S / 2)
    held.changed.set()
    assert held.live
    only.clock.advance(TTL_S / 2)
    held.lose("a loop found it expired")
    await until(lambda: only.ended == 1)
    await only.sees("lease", "DATABASE_UNAVAILABLE")
    assert "lease" == refused(only, "entry")
    only.plug.down = False
    await until(lambda: len(only.begun) == 2)
    assert only.lease is not held


async def test_a_failed_renewal_closes_the_gate_before_the_lease_is_lost(pair: list[Instance]) -> None:
    """Who is told that it is ready has more than moments left; orders pass for as long as the lease lives."""
    only = pair[0]
    only.start()
    await only.holds()
    await reconciled(only)
    await only.sees(None)
    held = only.lease
    only.plug.down = True
    only.clock.advance(TTL_S / 3)
    held.changed.set()
    await only.sees("lease", "DATABASE_UNAVAILABLE")
    assert (True, None) == (held.live, refused(only, "entry"))
    only.plug.down = False
    await only.sees(None)
    assert held is only.lease


async def test_a_lifetime_that_ends_is_seen_by_who_asks(pair: list[Instance]) -> None:
    """No turn of the loop is needed: the gates are read as they are at that moment."""
    only = pair[0]
    only.start()
    await only.holds()
    await reconciled(only)
    await only.sees(None)
    await only.freeze()
    only.clock.advance(TTL_S)
    assert (None, None) == only.first_closed()
    only.leases.look()
    assert ("lease", "its lifetime has passed without a renewal") == only.first_closed()


async def test_the_budget_is_shared_with_the_lease(pair: list[Instance]) -> None:
    """With two instances the holder has three quarters of the orders, the other one a quarter."""
    first, second = pair
    alone = first.session.gateway.scheduler._orders.limit
    first.start()
    await first.holds()
    assert alone == first.session.gateway.scheduler._orders.capacity
    second.start()
    await until(lambda: second.leases._instances == 2)
    await until(lambda: second.session.gateway.scheduler._orders.capacity == alone / 4)
    await first.supervisor.end(["instance"], 1.0)
    first.supervisor.start(
        "instance", lambda beat: first.leases.beat(beat, "test", "hash", first.outdated.append)
    )
    await until(lambda: first.session.gateway.scheduler._orders.capacity == alone * 3 / 4)
    weights = [each.session.gateway.scheduler._weight for each in pair]
    assert [0.9, 0.1] == [round(each.capacity / each.limit, 6) for each in weights]


async def test_another_schema_is_told(pair: list[Instance]) -> None:
    """An instance whose sql/ the database was not deployed from learns it at its next sign of life."""
    only = pair[0]
    only.start()
    await until(lambda: bool(only.outdated))
    assert "deployed anew" in str(only.outdated[-1])


async def test_a_lost_answer_of_the_taking_is_repaired(pair: list[Instance]) -> None:
    """Who took the lease without learning it asks again, gets it with the same token, and begins once."""
    only = pair[0]
    only.plug.when, only.plug.what = "after fn_take_lease", only.plug.lose
    only.start()
    await only.holds()
    (row,) = await leases.list_leases(only.context.ledger, only.session.tenant_id)
    assert (row.fencing_token, 1) == (only.lease.token, len(only.begun))


async def test_a_lease_whose_loops_do_not_start_is_not_kept(pair: list[Instance]) -> None:
    """A holder whose loops fail to start gives the lease up, and begins anew with its next turn."""
    only = pair[0]
    only.stumbles = 1
    only.start()
    await until(lambda: len(only.begun) == 1)
    assert (1, True) == (only.ended, only.begun[0].live)


async def test_a_lease_lost_in_the_middle_of_a_send_leaves_one_order(rig: Rig) -> None:
    """Another process proves the order before its hanging sender records it: both mean the same one."""
    hanging, go_on = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        hanging.set()
        await go_on.wait()

    rig.plug.when, rig.plug.what = "after submit", hang
    entering = asyncio.create_task(rig.desk.entries.run(rig.entry()))
    async with asyncio.timeout(5):
        await hanging.wait()
    rig.plug.when = None
    court = await open_court(rig)
    await court.later(31)  # past the intent's expiry: the sender is held for dead
    assert 1 == (await court.once()).present
    go_on.set()
    answer = await entering
    view = await rig.only_intent()
    assert ("OK", "confirmed") == (answer.code, view["state"])
    assert {view["client_order_id"]: [view["exchange_order_id"]]} == rig.exchange_orders()
    await rig.check_books()
