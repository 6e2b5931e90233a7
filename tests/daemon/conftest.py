"""One stage for all tests of a process that share it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.sdk_own import Own
from tests.daemon.stage import Stage, Tenant


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    with Stage.started() as made:
        yield made


@pytest.fixture(scope="session")
def tenant(stage: Stage) -> Tenant:
    return stage.tenant()


@pytest.fixture
def own(stage: Stage, tmp_path: Path) -> Iterator[Own]:
    """A robot with a tenant, an account and a journal of its own."""
    made = Own(stage, stage.tenant(), tmp_path / "robot.journal")
    yield made
    for process in made.processes:
        process.kill()
        process.communicate()
