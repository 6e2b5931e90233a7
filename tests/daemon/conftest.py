"""One stage for all tests of a process that share it."""

from collections.abc import Iterator

import pytest

from tests.daemon.stage import Stage, Tenant


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    with Stage.started() as made:
        yield made


@pytest.fixture(scope="session")
def tenant(stage: Stage) -> Tenant:
    return stage.tenant()
