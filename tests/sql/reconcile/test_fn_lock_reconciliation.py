"""fn_lock_reconciliation: one comparison of a profile at a time, behind the lease."""

import asyncio
from uuid import uuid4

from tests.sql.capital.world import World, call
from tests.sql.reconcile.passes import Passes

NAME = "fn_lock_reconciliation"


async def test_one_holder_at_a_time(world: World, passes: Passes) -> None:
    """Another waits until the lock is given back or has expired; each holder gets a token of its own."""
    one, first, second = world.one, uuid4(), uuid4()
    (lock,) = await passes.lock(first, 1000)
    assert "OK" == lock["code"]
    assert [{"code": "HELD", "expires_at": lock["expires_at"]}] == await passes.lock(second, 1000)
    (again,) = await passes.lock(first, 2000)
    assert lock["fencing_token"] == again["fencing_token"]
    assert lock["expires_at"] < again["expires_at"]
    await world.database.advance_clock(2)
    (taken,) = await passes.lock(second, 1000)
    assert lock["fencing_token"] < taken["fencing_token"]
    part = passes.part(began_at="2099-01-01T00:00:00+00:00")
    await world.refused("HF410", "fn_compare_profile", one.id, one.profile, lock["fencing_token"], part)


async def test_what_is_free_is_given_though_another_is_held(world: World, passes: Passes) -> None:
    """The locks of several profiles are asked for at once, and answered one by one in the order asked."""
    one, first, second = world.one, uuid4(), uuid4()
    profiles = [one.profile, *[await one.add_profile(world.conn, uuid4(), name) for name in ("two", "three")]]
    (held,) = await passes.lock(first, 1000, profiles[1])
    answers = await passes.lock(second, 1000, *profiles)
    assert ["OK", "HELD", "OK"] == [answer["code"] for answer in answers]
    assert held["expires_at"] == answers[1]["expires_at"]
    tokens = {held["fencing_token"], answers[0]["fencing_token"], answers[2]["fencing_token"]}
    assert 3 == len(tokens)
    backwards = await passes.lock(second, 2000, *reversed(profiles))
    assert ["OK", "HELD", "OK"] == [answer["code"] for answer in backwards]
    assert answers[2]["fencing_token"] == backwards[0]["fencing_token"]
    nothing: tuple[object, ...] = (one.id, one.account, (), second, passes.token, 1000)
    assert [] == await world.call(NAME, *nothing)


async def test_a_lock_of_an_older_lease_is_free(world: World, passes: Passes) -> None:
    """After a takeover the next holder does not wait for what the last one left behind."""
    one = world.one
    (lock,) = await passes.lock(uuid4(), 60_000)
    await world.call("fn_release_lease", one.id, one.account, passes.token)
    later = await Passes.of(world)
    (taken,) = await later.lock(uuid4(), 60_000)
    assert "OK" == taken["code"]
    assert lock["fencing_token"] < taken["fencing_token"]


async def test_at_once_one_wins(world: World, passes: Passes) -> None:
    """Four passes at the same moment, asking in different orders: one gets all locks, none waits for ever."""
    one = world.one
    both = (one.profile, await one.add_profile(world.conn, uuid4(), "second"))
    conns = [await world.database.connect() for _ in range(4)]
    asked = [both if number % 2 else both[::-1] for number in range(4)]
    answers = await asyncio.gather(
        *(
            call(conn, NAME, one.id, one.account, profiles, uuid4(), passes.token, 1000)
            for conn, profiles in zip(conns, asked, strict=True)
        )
    )
    assert ["HELD", "HELD", "HELD", "OK"] == sorted(answer[0]["code"] for answer in answers)
    assert all(first["code"] == second["code"] for first, second in answers)


async def test_refusals(world: World, passes: Passes) -> None:
    """Only the holder of the account's lease locks, and only its profiles; lifetimes have bounds."""
    one, holder = world.one, uuid4()
    own = (one.profile,)
    await world.refused("HF410", NAME, one.id, one.account, own, holder, passes.token + 1, 1000)
    strange = (one.profile, world.other.profile)
    detail = await world.refused("HF404", NAME, one.id, one.account, strange, holder, passes.token, 1000)
    assert str(world.other.profile) == detail["profile_id"]
    await world.refused("HF422", NAME, one.id, one.account, own, holder, passes.token, 10)
    await world.refused_to_foreign_claim(NAME, one.account, own, holder, passes.token, 1000)
