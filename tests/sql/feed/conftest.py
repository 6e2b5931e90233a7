"""The world of the feed's SQL tests: two tenants, on 18 and on 15."""

import pytest

from tests.database.servers import Database
from tests.sql.capital.world import Tenant, World, call


@pytest.fixture
async def world(any_database: Database) -> World:
    conn = await any_database.connect()
    await call(conn, "fn_init_engine", "habc")
    one, other = Tenant("one"), Tenant("other")
    await one.create(conn)
    await other.create(conn)
    return World(any_database, conn, await any_database.admin(), one, other)
