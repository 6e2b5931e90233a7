"""fn_renew_instance: the engine's living processes."""

from uuid import uuid4

from tests.sql.capital.world import World, call, refused

A, B = uuid4(), uuid4()


async def test_counts_the_living(world: World) -> None:
    """Each process counts while it renews; one that was silent for its lifetime does not, and may return."""
    deployed = await world.admin.fetchval(
        "SELECT fingerprint FROM engine.schema_objects WHERE (kind, name) = ('schema', 'hash')"
    )
    counts = [(await call(world.conn, "fn_renew_instance", who, "n", "h", 10_000))["live"] for who in (A, B)]
    await world.database.advance_clock(11)
    last = await call(world.conn, "fn_renew_instance", A, "n", "h", 10_000)
    assert ([1, 2], 1, deployed) == (counts, last["live"], last["schema_hash"])
    assert 2 == (await call(world.conn, "fn_renew_instance", B, "n", "h", 10_000))["live"]


async def test_forgets_what_is_long_gone(world: World) -> None:
    """Rows of processes that ended without a word are removed after a day."""
    await call(world.conn, "fn_renew_instance", A, "n", "h", 10_000)
    await world.database.advance_clock(2 * 86_400)
    await call(world.conn, "fn_renew_instance", B, "n", "h", 10_000)
    assert [B] == [r[0] for r in await world.admin.fetch("SELECT instance_id FROM engine.engine_instances")]
    await refused(world.conn, "HF422", "fn_renew_instance", A, "n", "h", 1)
