"""Two stages for the tests of a process: each account more uses request weight of its stage's address."""

from collections.abc import Iterator

import pytest

from tests.daemon.halves import half
from tests.daemon.stage import Stage, Tenant


@pytest.fixture(scope="session")
def first_stage() -> Iterator[Stage]:
    with Stage.started() as made:
        yield made


@pytest.fixture(scope="session")
def second_stage() -> Iterator[Stage]:
    with Stage.started() as made:
        yield made


@pytest.fixture(scope="session")
def first_tenant(first_stage: Stage) -> Tenant:
    return first_stage.tenant()


@pytest.fixture(scope="session")
def second_tenant(second_stage: Stage) -> Tenant:
    return second_stage.tenant()


@pytest.fixture(scope="module")
def stage(request: pytest.FixtureRequest) -> Stage:
    """The stage of a module: half of them, by name, have the one, half the other."""
    made: Stage = request.getfixturevalue(f"{half(request.path.name)}_stage")
    return made


@pytest.fixture(scope="module")
def tenant(request: pytest.FixtureRequest) -> Tenant:
    """A tenant that all modules of a stage share."""
    made: Tenant = request.getfixturevalue(f"{half(request.path.name)}_tenant")
    return made
