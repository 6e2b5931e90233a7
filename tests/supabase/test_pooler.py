"""What holds behind a transaction pooler: no call needs the session of another, or leaves anything in it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from engine.deploy.connection import connect
from engine.deploy.deployment import deploy
from engine.deploy.status import status
from engine.deploy.verification import verify
from engine.domain.errors import ErrorCode, HoldfastError
from engine.ledger import admin, reads
from engine.ledger.reading import TenantReads
from engine.ledger.seam import Ledger, LedgerOptions
from engine.loops import startup
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics
from tests.database.servers import Database, with_database
from tests.supabase.bouncer import SESSIONS, through
from tests.supabase.conftest import opened
from tests.supabase.scene import ACTOR, Scene

CLIENTS = 16


@pytest.fixture
async def pooled(project: Database, pooler: str) -> AsyncIterator[Ledger]:
    options = LedgerOptions(
        through(pooler, project.login_url, project.name), pool_size=CLIENTS, pooled=True, call_timeout_s=20.0
    )
    async with opened(options) as ledger:
        yield ledger


async def test_many_callers_share_few_sessions(pooled: Ledger, project: Database) -> None:
    """Sixteen connections over two sessions, reads as two tenants among writes: nothing crosses."""
    one, other = await Scene(pooled).build(), await Scene(pooled).build()

    async def mine(scene: Scene) -> None:
        (profile,) = await reads.list_profiles(TenantReads(pooled, scene.tenant), scene.tenant)
        assert str(scene.profile) == profile["profile_id"]

    async def foreign(scene: Scene, their: Scene) -> None:
        with pytest.raises(HoldfastError) as caught:
            await reads.list_profiles(TenantReads(pooled, scene.tenant), their.tenant)
        assert ErrorCode.FORBIDDEN is caught.value.code

    async def write(scene: Scene, number: int) -> None:
        await admin.create_robot(pooled, scene.tenant, uuid4(), f"robot-{number}", ACTOR)

    acts = [act for n in range(20) for act in (mine(one), write(other, n), foreign(one, other), mine(other))]
    await asyncio.gather(*acts)
    assert 21 == len(await reads.list_robots(pooled, other.tenant))
    watcher = await project.admin()
    sessions = await watcher.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert sessions <= SESSIONS


async def test_nothing_is_left_in_a_session(pooled: Ledger, project: Database, pooler: str) -> None:
    """Whoever gets a session next finds no role, no claims, no timeouts, no prepared statement, no lock."""
    scene = await Scene(pooled).build()
    await reads.list_profiles(TenantReads(pooled, scene.tenant), scene.tenant)
    with pytest.raises(HoldfastError):
        await reads.list_profiles(TenantReads(pooled, scene.tenant), uuid4())
    conn = await asyncpg.connect(through(pooler, project.login_url, project.name), statement_cache_size=0)
    try:
        for _ in range(SESSIONS + 1):
            async with conn.transaction():
                row = await conn.fetchrow(
                    "SELECT current_user = session_user AS itself, current_setting('lock_timeout') AS waits,"
                    " coalesce(current_setting('request.jwt.claims', true), '') AS claims,"
                    " coalesce(current_setting('holdfast.tenant_id', true), '') AS tenant,"
                    " (SELECT count(*) FROM pg_prepared_statements WHERE name <> '') AS prepared,"
                    " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory') AS locks"
                )
                assert (True, "0", "", "", 0, 0) == tuple(row)
    finally:
        await conn.close()


async def test_without_the_setting_the_pooler_refuses(project: Database, pooler: str) -> None:
    """A session's settings cannot be had there: an engine that was not told so says what was refused."""
    options = LedgerOptions(through(pooler, project.login_url, project.name), statement_cache_size=0)
    with pytest.raises(HoldfastError) as caught:
        await Ledger.connect(options, Metrics(), Clock())
    assert ErrorCode.DATABASE_UNAVAILABLE is caught.value.code
    assert "unsupported startup parameter" in caught.value.details["cause"]


async def test_a_start_through_the_pooler(project: Database, pooler: str) -> None:
    """The gates of the database pass: reached, equal to sql/ by its catalog, and read as the tenant."""
    url = through(pooler, project.deployer_url, project.name)
    notes: list[str] = []
    assert (await startup.reach(url, pooled=True)).startswith("18")
    deployed = await startup.make_equal(
        url, deploys=False, alone=False, test_clock=True, note=notes.append, pooled=True
    )
    assert (64, ["the database's clock is the movable one of tests"]) == (len(deployed), notes)


async def test_a_deploy_through_the_pooler(project_server: Any, pooler: str) -> None:
    """All of a deploy is in transactions, its lock too: an empty database is deployed to, twice."""
    empty = await project_server.create_empty()
    try:
        url = through(pooler, with_database(project_server.deployer_url, empty.name), empty.name)
        first = await deploy(url, pooled=True)
        again = await deploy(url, pooled=True)
        assert (True, False, "configured") == (first.changed, again.changed, first.rpc)
        conn = await connect(url, pooled=True)
        try:
            assert [] == await verify(conn)
            told = await status(conn)
        finally:
            await conn.close()
        assert first.schema_hash == told.schema_hash
    finally:
        await project_server.drop(empty)
