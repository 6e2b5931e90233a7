"""The world of the exchange timer tests, on 18 and on 15: two tenants, the first one's lease held."""

import pytest

from tests.database.servers import Database
from tests.sql.capital.world import Tenant, World, call
from tests.sql.reconcile.passes import Passes


@pytest.fixture
async def world(any_database: Database) -> World:
    conn = await any_database.connect()
    await call(conn, "fn_init_engine", "habc")
    one, other = Tenant("one"), Tenant("other")
    await one.create(conn)
    await other.create(conn)
    return World(any_database, conn, await any_database.admin(), one, other)


@pytest.fixture
async def passes(world: World) -> Passes:
    return await Passes.of(world)
