"""A RabbitMQ node for all tests of the relay, and the two tenants whose events it gets."""

from collections.abc import AsyncIterator

import pytest

from tests.database.servers import Database
from tests.feed.rig import Rig
from tests.groups import lasting
from tests.lacking import lacking
from tests.relay.node import SERVER, Node


@pytest.fixture(scope="module")
def node(request: pytest.FixtureRequest) -> Node:
    if not SERVER.exists():
        lacking(f"RabbitMQ is not installed ({SERVER}; make test installs it when run as root)")
    return lasting(request, "node", Node.running)


@pytest.fixture
async def rig(database: Database) -> AsyncIterator[Rig]:
    async with Rig.open(database) as made:
        yield made
