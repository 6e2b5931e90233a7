"""fn_lock_reconciliation: one comparison of a profile at a time, behind the lease."""

import asyncio
from uuid import uuid4

from tests.sql.capital.world import World, call
from tests.sql.reconcile.passes import Passes


async def test_one_holder_at_a_time(world: World, passes: Passes) -> None:
    """Another waits until the lock is given back or has expired; each holder gets a token of its own."""
    one, first, second = world.one, uuid4(), uuid4()
    lock = await world.call("fn_lock_reconciliation", one.id, one.profile, first, passes.token, 1000)
    assert "OK" == lock["code"]
    held = await world.call("fn_lock_reconciliation", one.id, one.profile, second, passes.token, 1000)
    assert {"code": "HELD", "expires_at": lock["expires_at"]} == held
    again = await world.call("fn_lock_reconciliation", one.id, one.profile, first, passes.token, 2000)
    assert lock["fencing_token"] == again["fencing_token"]
    assert lock["expires_at"] < again["expires_at"]
    await world.database.advance_clock(2)
    taken = await world.call("fn_lock_reconciliation", one.id, one.profile, second, passes.token, 1000)
    assert lock["fencing_token"] < taken["fencing_token"]
    part = {"began_at": "2099-01-01T00:00:00+00:00"}
    await world.refused("HF410", "fn_compare_profile", one.id, one.profile, lock["fencing_token"], part)


async def test_a_lock_of_an_older_lease_is_free(world: World, passes: Passes) -> None:
    """After a takeover the next holder does not wait for what the last one left behind."""
    one = world.one
    name = "fn_lock_reconciliation"
    lock = await world.call(name, one.id, one.profile, uuid4(), passes.token, 60_000)
    await world.call("fn_release_lease", one.id, one.account, passes.token)
    later = await Passes.of(world)
    taken = await world.call(name, one.id, one.profile, uuid4(), later.token, 60_000)
    assert "OK" == taken["code"]
    assert lock["fencing_token"] < taken["fencing_token"]


async def test_at_once_one_wins(world: World, passes: Passes) -> None:
    """Four passes at the same moment: one has the lock."""
    one = world.one
    conns = [await world.database.connect() for _ in range(4)]
    args = (one.id, one.profile)
    answers = await asyncio.gather(
        *(call(conn, "fn_lock_reconciliation", *args, uuid4(), passes.token, 1000) for conn in conns)
    )
    assert ["HELD", "HELD", "HELD", "OK"] == sorted(answer["code"] for answer in answers)


async def test_refusals(world: World, passes: Passes) -> None:
    """Only the holder of the account's lease locks; lifetimes have bounds."""
    one, holder = world.one, uuid4()
    name = "fn_lock_reconciliation"
    await world.refused("HF410", name, one.id, one.profile, holder, passes.token + 1, 1000)
    await world.refused("HF404", name, one.id, world.other.profile, holder, passes.token, 1000)
    await world.refused("HF422", name, one.id, one.profile, holder, passes.token, 10)
    await world.refused_to_foreign_claim(name, one.profile, holder, passes.token, 1000)
