"""A stage for each half of the tests of a process, and a tenant that they share."""

from contextlib import nullcontext

import pytest

from tests.daemon.stage import Stage, Tenant
from tests.groups import lasting


@pytest.fixture(scope="module")
def stage(request: pytest.FixtureRequest) -> Stage:
    return lasting(request, "stage", Stage.started)


@pytest.fixture(scope="module")
def tenant(request: pytest.FixtureRequest, stage: Stage) -> Tenant:
    return lasting(request, "tenant", lambda: nullcontext(stage.tenant()))
