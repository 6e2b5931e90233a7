"""A world for many schedules, as `make torture` has it: to build one costs as much as some schedules do."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from tests.database.servers import Server
from tests.torture.jobs import WORLD_JOBS, quiet
from tests.torture.world import World, open_world

LOOP = pytest.mark.asyncio(loop_scope="module")  # of every test that uses the world


class Ground:
    """The world of a module, made anew when it has seen much."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._stack = AsyncExitStack()
        self._world: World | None = None

    async def world(self) -> World:
        if self._world is not None and len(self._world.paper.matching.accounts) > WORLD_JOBS:
            await self.close()
        if self._world is None:
            database = await self._server.create()
            self._stack.push_async_callback(self._server.drop, database)
            self._world = await self._stack.enter_async_context(open_world(database, judged=False))
        return self._world

    async def close(self) -> None:
        stack, self._stack, self._world = self._stack, AsyncExitStack(), None
        await stack.aclose()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ground(server: Server) -> AsyncIterator[Ground]:
    quiet()
    made = Ground(server)
    yield made
    await made.close()


@pytest_asyncio.fixture(loop_scope="module")
async def world(ground: Ground) -> AsyncIterator[World]:
    """The world as the last test left it: its books in order, every schedule in a tenant of its own."""
    made = await ground.world()
    yield made
    found = made.paper.oracle.differences(made.paper.matching)
    if found:
        await ground.close()  # the next test is not to find them again
    assert [] == found
