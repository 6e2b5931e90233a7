"""fn_list_leases: a tenant's leases."""

from uuid import uuid4

from tests.sql.capital.world import World, call

A = uuid4()


async def test_shows_holder_life_and_stage(world: World) -> None:
    """A lease is shown with its holder's name and whether it lives; another tenant sees none of it."""
    one = world.one
    await call(world.conn, "fn_renew_instance", A, "host:1", "hash", 10_000)
    taken = await call(world.conn, "fn_take_lease", one.id, one.account, A, 10_000)
    (row,) = await call(world.conn, "fn_list_leases", one.id)
    assert (str(one.account), "host:1", taken["fencing_token"], True, "taken") == tuple(
        row[key] for key in ("account_id", "holder_name", "fencing_token", "live", "stage")
    )
    assert [] == await call(world.conn, "fn_list_leases", world.other.id)
    await world.database.advance_clock(11)
    assert [False] == [row["live"] for row in await call(world.conn, "fn_list_leases", one.id)]
