"""fn_take_lease: one process at a time, and a new token whenever that may have changed."""

from uuid import uuid4

from tests.sql.capital.world import World, call, refused

A, B = uuid4(), uuid4()


async def test_first_taker_holds_it(world: World) -> None:
    """A free lease goes to who asks; another is told who holds it, and until when."""
    one = world.one
    taken = await call(world.conn, "fn_take_lease", one.id, one.account, A, 10_000)
    held = await call(world.conn, "fn_take_lease", one.id, one.account, B, 10_000)
    assert ("OK", False, "taken") == (taken["code"], taken["took_over"], taken["stage"])
    assert ("HELD", str(A), taken["fencing_token"]) == (held["code"], held["holder"], held["fencing_token"])
    assert taken["expires_at"] == held["expires_at"]


async def test_holder_that_asks_again_keeps_its_token(world: World) -> None:
    """Taking one's own live lease prolongs it, with its token and stage as they were."""
    one = world.one
    first = await call(world.conn, "fn_take_lease", one.id, one.account, A, 10_000)
    await call(
        world.conn, "fn_set_lease_stage", one.id, one.account, first["fencing_token"], "reconciled", None
    )
    again = await call(world.conn, "fn_take_lease", one.id, one.account, A, 60_000)
    assert (first["fencing_token"], "reconciled") == (again["fencing_token"], again["stage"])
    assert first["expires_at"] < again["expires_at"]


async def test_expired_lease_is_taken_over(world: World) -> None:
    """After its lifetime, by the database's clock alone, another takes it with a higher token."""
    one = world.one
    first = await call(world.conn, "fn_take_lease", one.id, one.account, A, 10_000)
    await call(
        world.conn, "fn_set_lease_stage", one.id, one.account, first["fencing_token"], "reconciled", None
    )
    await world.database.advance_clock(11)
    second = await call(world.conn, "fn_take_lease", one.id, one.account, B, 10_000)
    assert ("OK", True, "taken") == (second["code"], second["took_over"], second["stage"])
    assert first["fencing_token"] < second["fencing_token"]
    told = await world.admin.fetch("SELECT action FROM engine.audit WHERE action LIKE 'lease.%'")
    assert ["lease.taken", "lease.taken"] == [row["action"] for row in told]


async def test_own_expired_lease_gets_a_new_token(world: World) -> None:
    """Who let it expire may have missed another holder: it begins anew, and no takeover is told."""
    one = world.one
    first = await call(world.conn, "fn_take_lease", one.id, one.account, A, 10_000)
    await world.database.advance_clock(11)
    second = await call(world.conn, "fn_take_lease", one.id, one.account, A, 10_000)
    assert ("OK", False) == (second["code"], second["took_over"])
    assert first["fencing_token"] < second["fencing_token"]


async def test_bad_arguments_are_refused(world: World) -> None:
    """Another tenant's account is not found, and a lifetime out of bounds is refused."""
    one = world.one
    await refused(world.conn, "HF404", "fn_take_lease", one.id, world.other.account, A, 10_000)
    for ttl_ms in (0, 99, 600_001, None):
        await refused(world.conn, "HF422", "fn_take_lease", one.id, one.account, A, ttl_ms)
