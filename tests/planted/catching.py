"""Runs the schedule that must catch a planted bug, with the bug and without."""

import asyncio
from collections.abc import Iterator

from tests.database.servers import Server
from tests.planted.planting import Bug
from tests.planted.python_bugs import PYTHON_BUGS
from tests.planted.sql_bugs import SQL_BUGS
from tests.torture.jobs import outcome_of
from tests.torture.oracle import Findings
from tests.torture.plans import read_job
from tests.torture.report import PASSES_ALLOWED
from tests.torture.world import World, open_world

BUGS: tuple[Bug, ...] = (*SQL_BUGS, *PYTHON_BUGS)


async def found(world: World, text: str) -> Findings:
    """Run one schedule and return everything that is not as it must be; what raises is found too."""
    try:
        outcome = await outcome_of(world, read_job(text))
    except Exception as error:  # noqa: BLE001 - a bug may break anything, and that is how it is seen
        broken = Findings()
        broken.add("raised", repr(error))
        return broken
    if outcome.passes > PASSES_ALLOWED:
        outcome.findings.add("passes", f"{outcome.passes} passes")
    return outcome.findings


async def catch(world: World, bug: Bug) -> Findings:
    """Plant a bug, run what must catch it, and take the bug away."""
    async with bug.plant(world):
        return await found(world, bug.caught_by)


def catch_all() -> Iterator[tuple[Bug, bool, list[str]]]:
    """Try every bug in a world of its own; tell whether it is caught, and what was found without it."""
    server = Server.start()
    try:
        for bug in BUGS:
            caught, clean = asyncio.run(_try(server, bug))
            yield bug, caught and not clean, clean
    finally:
        server.stop()


async def _try(server: Server, bug: Bug) -> tuple[bool, list[str]]:
    database = await server.create()
    try:
        async with open_world(database, judged=False) as world:
            clean = (await found(world, bug.caught_by)).details
            try:
                return bool((await catch(world, bug)).counts), clean
            except AssertionError as error:  # the passage that it replaces has changed
                return False, [str(error)]
    finally:
        await server.drop(database)
