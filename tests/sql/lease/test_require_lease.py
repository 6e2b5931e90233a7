"""require_lease: what stands before everything that only the holder may do."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg

from tests.database.servers import Database
from tests.sql.capital.world import World, call, refused

A, B = uuid4(), uuid4()


async def required(world: World, token: int) -> str | None:
    """Require the lease of the first tenant's account; give the SQLSTATE of the refusal."""
    one = world.one
    now = await world.admin.fetchval("SELECT engine.fn_clock()")
    try:
        async with world.admin.transaction():
            await world.admin.execute("SELECT engine.enter_tenant($1)", one.id)
            await world.admin.execute(
                "SELECT engine.require_lease($1, $2, $3, $4)", one.id, one.account, token, now
            )
    except asyncpg.PostgresError as error:
        return str(getattr(error, "sqlstate", None))
    return None


async def test_only_the_current_token_of_a_live_lease_passes(world: World) -> None:
    """No lease, another token, an expired or released lease raise HF410."""
    one = world.one
    assert "HF410" == await required(world, 1)
    token = (await call(world.conn, "fn_take_lease", one.id, one.account, A, 10_000))["fencing_token"]
    assert [None, "HF410"] == [await required(world, each) for each in (token, token - 1)]
    await world.database.advance_clock(11)
    assert "HF410" == await required(world, token)
    token = (await call(world.conn, "fn_take_lease", one.id, one.account, A, 10_000))["fencing_token"]
    assert await required(world, token) is None
    await call(world.conn, "fn_release_lease", one.id, one.account, token)
    assert "HF410" == await required(world, token)


async def test_takeover_waits_for_what_runs_under_the_old_token(world: World) -> None:
    """A transaction that passed the check ends before another process gets the lease, however late it is."""
    one = world.one
    token = (await call(world.conn, "fn_take_lease", one.id, one.account, A, 1_000))["fencing_token"]
    other = await world.database.connect()
    async with world.admin.transaction():
        await world.admin.execute("SELECT engine.enter_tenant($1)", one.id)
        await world.admin.execute(
            "SELECT engine.require_lease($1, $2, $3, engine.fn_clock())", one.id, one.account, token
        )
        await world.database.advance_clock(2)
        taking = asyncio.create_task(call(other, "fn_take_lease", one.id, one.account, B, 1_000))
        await _until_somebody_waits(world.database)
        assert not taking.done()
    assert "OK" == (await taking)["code"]


async def _until_somebody_waits(database: Database) -> None:
    """Return once a session of this database waits for a lock."""
    watcher: asyncpg.Connection[Any] = await database.admin()
    waiting = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(10):
        while not await watcher.fetchval(waiting):
            pass


async def test_direct_calls_are_refused(world: World) -> None:
    """The engine's role cannot call it by itself."""
    await refused(world.conn, "42501", "require_lease", world.one.id, world.one.account, 1, None)
