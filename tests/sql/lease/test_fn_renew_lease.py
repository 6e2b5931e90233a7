"""fn_renew_lease: its holder prolongs it, nobody else."""

from uuid import uuid4

from tests.sql.capital.world import World, call

A, B = uuid4(), uuid4()


async def test_holder_prolongs_it(world: World) -> None:
    """A renewal counts from its own moment, also after the lease expired, as long as nobody took it."""
    one = world.one
    taken = await call(world.conn, "fn_take_lease", one.id, one.account, A, 10_000)
    token = taken["fencing_token"]
    renewed = await call(world.conn, "fn_renew_lease", one.id, one.account, A, token, 10_000)
    assert ("OK", True) == (renewed["code"], renewed["expires_at"] > taken["expires_at"])
    await world.database.advance_clock(60)
    late = await call(world.conn, "fn_renew_lease", one.id, one.account, A, token, 10_000)
    assert "OK" == late["code"]
    assert "HELD" == (await call(world.conn, "fn_take_lease", one.id, one.account, B, 10_000))["code"]


async def test_stale_owner_is_told(world: World) -> None:
    """After a takeover, a release, or with another's name, a renewal changes nothing and says STALE_TOKEN."""
    one = world.one
    token = (await call(world.conn, "fn_take_lease", one.id, one.account, A, 1_000))["fencing_token"]
    assert (
        "STALE_TOKEN"
        == (await call(world.conn, "fn_renew_lease", one.id, one.account, B, token, 1_000))["code"]
    )
    await world.database.advance_clock(2)
    newer = (await call(world.conn, "fn_take_lease", one.id, one.account, B, 1_000))["fencing_token"]
    assert (
        "STALE_TOKEN"
        == (await call(world.conn, "fn_renew_lease", one.id, one.account, A, token, 1_000))["code"]
    )
    await call(world.conn, "fn_release_lease", one.id, one.account, newer)
    assert (
        "STALE_TOKEN"
        == (await call(world.conn, "fn_renew_lease", one.id, one.account, B, newer, 1_000))["code"]
    )
