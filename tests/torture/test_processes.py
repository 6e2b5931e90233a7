"""Proves the promises on real processes, killed under load; `make torture` kills hundreds of times."""

from tests.torture.processes import kill_all


def test_killed_under_load() -> None:
    """A daemon killed three times and a database stopped once under load leave nothing wrong."""
    killed = kill_all(seed=1, kills=3, database_kills=1)
    assert [] == killed.found.details
    assert (3, 1) == (killed.daemons, killed.databases)
    assert killed.requests > 10
