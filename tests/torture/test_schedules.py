"""Proves the promises under second crashes and seeded storms, and keeps what once went wrong."""

from pathlib import Path

import pytest

from tests.torture import plans
from tests.torture.all_flows import FLOWS
from tests.torture.conftest import LOOP
from tests.torture.jobs import outcome_of
from tests.torture.report import PASSES_ALLOWED
from tests.torture.schedules import Schedule, run
from tests.torture.seams import Kind
from tests.torture.world import World

pytestmark = LOOP
_PAIRS = 12  # of each of these flows; all of them are in `make torture`
_PAIRED = ("entry_limit", "bid_and_fill", "exit_limit", "cancel_partly_filled", "doubt_present", "start_up")
_REGRESSIONS = [
    line
    for line in (Path(__file__).parent / "regressions.txt").read_text().splitlines()
    if line and not line.startswith("#")
]


async def holds(world: World, text: str) -> None:
    outcome = await outcome_of(world, plans.read_job(text))
    assert [] == outcome.findings.details
    assert outcome.passes <= PASSES_ALLOWED, f"{text}: {outcome.passes} passes"


@pytest.mark.parametrize("name", _PAIRED)
async def test_second_crash(world: World, name: str) -> None:
    """A crash in the recovery from a crash leaves nothing wrong."""
    clean = await run(world, FLOWS[name], Schedule(name))
    first = Schedule(name, len(clean.crossings) // 2, Kind.CRASH_BEFORE)
    crashed = await run(world, FLOWS[name], first)
    for schedule in plans.spread(plans.pairs(first, crashed.recovery, crashed.recovered), _PAIRS):
        await holds(world, str(schedule))


@pytest.mark.parametrize("index", range(12))
async def test_storm(world: World, index: int) -> None:
    """Robots of three profiles trade through 8 to 40 faults and many deaths of the engine; all is right."""
    await holds(world, f"storm 0:{index}")


@pytest.mark.parametrize("text", _REGRESSIONS)
async def test_what_once_went_wrong(world: World, text: str) -> None:
    """A schedule that once failed holds."""
    await holds(world, text)
