"""The world of the feed's SQL tests: two tenants, on 18 and on 15."""

import pytest

from tests.sql.capital.world import World


@pytest.fixture
def world(unfunded: World) -> World:
    return unfunded
