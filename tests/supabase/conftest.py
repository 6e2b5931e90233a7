"""A project's server per major version, its HTTP double, and a ledger over each transport."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from engine.ledger.rpc import RpcOptions
from engine.ledger.seam import Ledger, LedgerOptions
from engine.runtime.clock import Clock
from engine.runtime.metrics import Metrics
from tests.database.servers import Database, installed_15
from tests.lacking import lacking
from tests.supabase.bouncer import PROGRAM, bouncer, through
from tests.supabase.double import SECRET_KEY, Double
from tests.supabase.project import Project, authenticator_url


@pytest.fixture(scope="session")
def project_server() -> Iterator[Project]:
    server = Project.start(ordinary_deployer=True)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def project_server15() -> Iterator[Project]:
    server = Project.start(installed_15(), ordinary_deployer=True)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def pooler(project_server: Project) -> Iterator[str]:
    """A transaction pooler before the server, for its ordinary login and its deployer."""
    if PROGRAM is None:
        lacking("pgbouncer is not installed (make test installs it when run as root)")
    with bouncer(project_server.admin_url, project_server.logins) as url:
        yield url


@pytest.fixture
async def project(project_server: Project) -> AsyncIterator[Database]:
    made = await project_server.create()
    yield made
    await project_server.drop(made)


@pytest.fixture(params=["18", "15"])
async def any_project(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    name = "project_server" if request.param == "18" else "project_server15"
    server: Project = request.getfixturevalue(name)
    made = await server.create()
    yield made
    await server.drop(made)


@pytest.fixture
async def double(project: Database) -> AsyncIterator[Double]:
    served = await Double.serve(authenticator_url(project))
    yield served
    await served.close()


@pytest.fixture
async def rpc(double: Double) -> AsyncIterator[Ledger]:
    async with opened(RpcOptions(double.url, SECRET_KEY)) as ledger:
        yield ledger


@pytest.fixture(params=["postgres", "pooler", "rpc", pytest.param("hosted", marks=pytest.mark.hosted)])
async def ledger(request: pytest.FixtureRequest) -> AsyncIterator[Ledger]:
    """A ledger over PostgreSQL's wire, through a transaction pooler, and over HTTP; to a real project too."""
    if request.param == "hosted":
        url, key = (os.environ.get(f"HOLDFAST_TEST_SUPABASE_{name}") for name in ("URL", "KEY"))
        if not url or not key:
            pytest.fail("set HOLDFAST_TEST_SUPABASE_URL and HOLDFAST_TEST_SUPABASE_KEY to a project of tests")
        async with opened(RpcOptions(url, key)) as hosted:
            yield hosted
        return
    server: Project = request.getfixturevalue("project_server")
    pooler = request.getfixturevalue("pooler") if request.param == "pooler" else None
    project = await server.create()
    served = await Double.serve(authenticator_url(project)) if request.param == "rpc" else None
    try:
        direct = LedgerOptions(project.engine_url, pool_size=4, role=None)
        if pooler is not None:
            pooled_url = through(pooler, project.login_url, project.name)
            direct = LedgerOptions(pooled_url, pool_size=4, pooled=True)
        async with opened(direct if served is None else RpcOptions(served.url, SECRET_KEY)) as made:
            yield made
    finally:
        if served is not None:
            await served.close()
        await server.drop(project)


@asynccontextmanager
async def opened(options: RpcOptions | LedgerOptions) -> AsyncIterator[Ledger]:
    ledger = await Ledger.connect(options, Metrics(), Clock())
    try:
        yield ledger
    finally:
        await ledger.close()
