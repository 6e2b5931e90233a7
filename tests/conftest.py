"""Databases for every test: a fresh, fully deployed one each, on a real server.

`database` gives a copy of the deployed template (some 30 ms), dropped after the test:

    async def test_it(database):
        conn = await database.connect()                     # asyncpg, an ordinary login as holdfast_engine
        other = await database.connect("holdfast_operator")  # or _reader, _scheduler, _owner
        admin = await database.admin()                       # superuser, sees through row level security
        await database.advance_clock(60)                     # moves fn_clock() of this database only
        pool = await asyncpg.create_pool(database.engine_url)  # yours to close; the others close themselves

`any_database` runs the test twice: on 18 (embedded), and on Debian's 15 deployed by a non-superuser.
`postgres15` is a database on 15 only. `server`, `server15` and, for both in turn, `any_server` are the
servers (`create`, `create_filled`, `create_empty`, `drop`). HOLDFAST_TEST_DATABASE_URL names a server to use
instead of the embedded one; HOLDFAST_TEST_DURABLE=1 turns fsync on.
"""

import os
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.database.prepared import shared
from tests.database.servers import Database, Server, in_own_loop, installed_15
from tests.groups import end_others, group


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    url = os.environ.get("HOLDFAST_TEST_DATABASE_URL")
    if url:
        given = Server(url)
        in_own_loop(given.prepare())
    else:
        given = Server.start()
    yield given
    given.stop()


@pytest.fixture(scope="session")
def server15() -> Iterator[Server]:
    given = Server.start(installed_15(), ordinary_deployer=True)
    yield given
    given.stop()


@pytest.fixture
async def database(server: Server) -> AsyncIterator[Database]:
    made = await server.create()
    yield made
    await server.drop(made)


@pytest.fixture
async def postgres15(server15: Server) -> AsyncIterator[Database]:
    made = await server15.create()
    yield made
    await server15.drop(made)


@pytest.fixture(params=["18", "15"])
def any_server(request: pytest.FixtureRequest) -> Server:
    chosen: Server = request.getfixturevalue("server" if request.param == "18" else "server15")
    return chosen


@pytest.fixture
async def any_database(any_server: Server) -> AsyncIterator[Database]:
    made = await any_server.create()
    yield made
    await any_server.drop(made)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # the process that starts the workers, or the only one
        sharing = ExitStack()
        sharing.enter_context(shared())
        config.add_cleanup(sharing.close)


class _OneStagePerWorker(LoadScopeScheduling):
    """Sends the tests that share an expensive stage to one worker, the others one by one.

    xdist's own groups do nothing with this pytest: the attribute they write is no longer read.
    """

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None]:
    yield
    end_others(item.session, nextitem)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _OneStagePerWorker(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What did not run is never silent, also without -rs."""
    reasons = {report.longrepr[2] for report in terminalreporter.stats.get("skipped", [])}
    for reason in sorted(reasons):
        terminalreporter.write_line(f"NOT RUN: {reason}", red=True)
