"""The world of the functions' tests, on 18 and on 15: two tenants, made once on each server and copied."""

from collections.abc import AsyncIterator

import pytest

from tests.database.servers import Database, Server
from tests.sql.capital.world import Tenant, World, two_tenants


@pytest.fixture
async def unfunded(any_server: Server) -> AsyncIterator[World]:
    database, tenants = await any_server.create_filled("two tenants", two_tenants)
    yield await World.of(database, *tenants)
    await any_server.drop(database)


@pytest.fixture
async def world(any_server: Server) -> AsyncIterator[World]:
    """The first tenant's profile has 1,000 USDT."""
    database, tenants = await any_server.create_filled("two tenants, one funded", _funded)
    yield await World.of(database, *tenants)
    await any_server.drop(database)


async def _funded(database: Database) -> tuple[Tenant, Tenant]:
    made = await two_tenants(database)
    await (await World.of(database, *made)).allocate("1000")
    return made
