"""The stage of the feed's tests."""

from collections.abc import AsyncIterator

import pytest

from tests.database.servers import Database
from tests.feed.rig import Rig


@pytest.fixture
async def rig(database: Database) -> AsyncIterator[Rig]:
    async with Rig.open(database) as made:
        yield made
