"""A stage for the tests that run the SDK against a daemon, and what each of them owns on it."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from tests.daemon.stage import Stage, Tenant
from tests.groups import lasting
from tests.sdk.own import Own


@pytest.fixture(scope="module")
def sdk_stage(request: pytest.FixtureRequest) -> Stage:
    """A stage of its own: the SDK's tests run beside those of the daemon, and restart it."""
    return lasting(request, "stage", Stage.started)


@pytest.fixture(scope="module")
def sdk_tenant(request: pytest.FixtureRequest, sdk_stage: Stage) -> Tenant:
    """The one tenant of these tests: each account more costs request weight, at every restart again."""
    return lasting(request, "tenant", lambda: nullcontext(sdk_stage.tenant()))


@pytest.fixture
def own(sdk_stage: Stage, sdk_tenant: Tenant, tmp_path: Path) -> Iterator[Own]:
    """A robot with a journal of its own; the account's orders of before are not seen, none stays open."""
    with Own.begun(sdk_stage, replace(sdk_tenant), tmp_path / "robot.journal") as made:
        yield made


@pytest.fixture
def fresh(sdk_stage: Stage, tmp_path: Path) -> Iterator[Own]:
    """One whose tenant never traded."""
    with Own.begun(sdk_stage, sdk_stage.tenant(), tmp_path / "robot.journal") as made:
        yield made
