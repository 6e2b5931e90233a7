"""The world of the exchange timer tests, on 18 and on 15: two tenants, the first one's lease held."""

import pytest

from tests.sql.capital.world import World
from tests.sql.reconcile.passes import Passes


@pytest.fixture
def world(unfunded: World) -> World:
    return unfunded


@pytest.fixture
async def passes(world: World) -> Passes:
    return await Passes.of(world)
