"""fn_due_locks: every kind of lock past its TTL is listed, with by how much, and nothing else."""

from typing import Any
from uuid import uuid4

from tests.sql.capital.trading import in_doubt, sending
from tests.sql.capital.world import World


async def due(world: World) -> dict[tuple[str, str], float]:
    rows: list[Any] = await world.conn.fetch("SELECT * FROM engine.fn_due_locks(100)")
    return {(row["kind"], row["held_for"]): row["overdue_s"] for row in rows}


async def test_each_kind_past_its_ttl(world: World) -> None:
    """Entry locks, reconciliation locks and leases appear when their TTL is over, oldest first."""
    one = world.one
    await sending(world, "e")
    await world.call("fn_take_lease", one.id, one.account, uuid4(), 10_000)
    await world.admin.execute(
        "INSERT INTO engine.reconciliation_locks (tenant_id, profile_id, holder, fencing_token, expires_at)"
        " VALUES ($1, $2, $3, 1, engine.fn_clock() + interval '20 s')",
        one.id,
        one.profile,
        uuid4(),
    )
    assert {} == await due(world)
    await world.database.advance_clock(15)
    assert [("lease", str(one.account))] == list(await due(world))
    await world.database.advance_clock(45)
    found = await due(world)
    entry, reconciling = ("entry", f"{one.profile} BTC/USDT"), ("reconciliation", str(one.profile))
    assert [("lease", str(one.account)), reconciling, entry] == list(found)
    assert 29 < found[entry] < 45 < found["lease", str(one.account)] < 65


async def test_freed_and_released_locks_are_not_overdue(world: World) -> None:
    """A lock that was given back has no age, however long ago that was."""
    one = world.one
    intent = await in_doubt(world)
    lease = await world.call("fn_take_lease", one.id, one.account, uuid4(), 10_000)
    await world.call("fn_release_lease", one.id, one.account, lease["fencing_token"])
    settled = (intent, "not_placed", None, "k", "operator:test", "looked")
    await world.call("fn_settle", one.id, *settled)
    await world.database.advance_clock(3600)
    assert {} == await due(world)


async def test_sees_ids_and_times_only(world: World) -> None:
    """It belongs to the scheduler, which may read no more of locks than that."""
    owner = await world.admin.fetchval(
        "SELECT pg_get_userbyid(proowner) FROM pg_proc WHERE proname = 'fn_due_locks'"
    )
    assert "holdfast_scheduler" == owner
    for table, column in (("reconciliation_locks", "holder"), ("entry_locks", "owner")):
        assert not await world.admin.fetchval(
            "SELECT has_column_privilege('holdfast_scheduler', $1, $2, 'SELECT')", f"engine.{table}", column
        )
