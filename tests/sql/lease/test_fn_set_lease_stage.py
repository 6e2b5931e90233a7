"""fn_set_lease_stage: how far the holder has come, as every process sees it."""

from uuid import uuid4

from tests.sql.capital.world import World, call, refused

A, B = uuid4(), uuid4()


async def test_holder_tells_its_stage(world: World) -> None:
    """Stages go on and back, with a reason; only a clean pass sets reconciled_at, and going back keeps it."""
    one = world.one
    token = (await call(world.conn, "fn_take_lease", one.id, one.account, A, 60_000))["fencing_token"]
    seen = []
    for stage, reason in (("read", None), ("resolved", None), ("reconciled", None), ("read", "stream lost")):
        told = await call(world.conn, "fn_set_lease_stage", one.id, one.account, token, stage, reason)
        (row,) = await call(world.conn, "fn_list_leases", one.id)
        seen.append((told["code"], row["stage"], row["stage_reason"], row["reconciled_at"] is not None))
    assert [
        ("OK", "read", None, False),
        ("OK", "resolved", None, False),
        ("OK", "reconciled", None, True),
        ("OK", "read", "stream lost", True),
    ] == seen


async def test_only_the_holder_may(world: World) -> None:
    """An old token and an expired lease are STALE_TOKEN; a stage that is none is refused."""
    one = world.one
    token = (await call(world.conn, "fn_take_lease", one.id, one.account, A, 1_000))["fencing_token"]
    stage = ("fn_set_lease_stage", one.id, one.account)
    assert "STALE_TOKEN" == (await call(world.conn, *stage, token - 1, "read", None))["code"]
    await refused(world.conn, "HF422", *stage, token, "ready", None)
    await world.database.advance_clock(2)
    assert "STALE_TOKEN" == (await call(world.conn, *stage, token, "reconciled", None))["code"]
