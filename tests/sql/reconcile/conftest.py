"""The world of the reconciliation tests, on 18 and on 15: 1,000 USDT in the first profile, the lease held."""

import pytest

from tests.sql.capital.world import World
from tests.sql.reconcile.passes import Passes


@pytest.fixture
async def passes(world: World) -> Passes:
    return await Passes.of(world)
