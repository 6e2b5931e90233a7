"""Proves that the torture harness catches what it claims: the flow named with a planted bug sees it."""

import pytest

from tests.database.servers import Database
from tests.planted.catching import BUGS, catch, found
from tests.planted.planting import Bug
from tests.torture.jobs import quiet
from tests.torture.world import open_world


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
async def test_bug_is_caught(database: Database, bug: Bug) -> None:
    """The schedule finds something with the bug, and nothing without it."""
    async with open_world(database, judged=False) as world:
        assert [] == (await found(world, bug.caught_by)).details
        assert (await catch(world, bug)).counts, f"not caught: {bug.breaks}"


def test_there_are_enough() -> None:
    """At least thirty bugs are planted, each under a name of its own."""
    assert len({bug.name for bug in BUGS}) == len(BUGS)
    assert len(BUGS) >= 30


@pytest.fixture(autouse=True)
def _quiet() -> None:
    quiet()
