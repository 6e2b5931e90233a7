"""Empty databases, on 18 as superuser and on 15 deployed by an ordinary login."""

from collections.abc import AsyncIterator

import pytest

from tests.database.servers import Database, Server


@pytest.fixture(params=["18", "15"])
async def empty_database(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    chosen: Server = request.getfixturevalue("server" if request.param == "18" else "server15")
    made = await chosen.create_empty()
    yield made
    await chosen.drop(made)
