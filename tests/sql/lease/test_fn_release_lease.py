"""fn_release_lease: the next process need not wait."""

from uuid import uuid4

from tests.sql.capital.world import World, call

A, B = uuid4(), uuid4()


async def test_released_lease_is_free_at_once(world: World) -> None:
    """After a release another takes it without waiting, and that is no takeover; twice is no error."""
    one = world.one
    token = (await call(world.conn, "fn_take_lease", one.id, one.account, A, 60_000))["fencing_token"]
    released = [await call(world.conn, "fn_release_lease", one.id, one.account, token) for _ in range(2)]
    assert ["OK", "OK"] == [each["code"] for each in released]
    next_one = await call(world.conn, "fn_take_lease", one.id, one.account, B, 60_000)
    assert ("OK", False) == (next_one["code"], next_one["took_over"])
    assert token < next_one["fencing_token"]


async def test_stale_owner_frees_nothing(world: World) -> None:
    """Who was taken over cannot free the lease of the new holder."""
    one = world.one
    old = (await call(world.conn, "fn_take_lease", one.id, one.account, A, 1_000))["fencing_token"]
    await world.database.advance_clock(2)
    await call(world.conn, "fn_take_lease", one.id, one.account, B, 60_000)
    assert "STALE_TOKEN" == (await call(world.conn, "fn_release_lease", one.id, one.account, old))["code"]
    held = await call(world.conn, "fn_take_lease", one.id, one.account, A, 60_000)
    assert ("HELD", str(B)) == (held["code"], held["holder"])
