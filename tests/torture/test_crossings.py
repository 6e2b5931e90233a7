"""Proves the promises at every crossing of every flow: whatever goes wrong there, all of it comes right."""

import pytest

from tests.torture import plans
from tests.torture.all_flows import FLOWS
from tests.torture.conftest import LOOP
from tests.torture.duel import run_duel
from tests.torture.flows import Flow
from tests.torture.report import PASSES_ALLOWED
from tests.torture.schedules import Outcome, Schedule, run
from tests.torture.world import World

pytestmark = LOOP
_DUELS = 2  # of a flow; all of them, all kinds of fault and all pairs are in `make torture`


def judge(outcome: Outcome) -> None:
    assert [] == outcome.findings.details
    assert outcome.hit, f"{outcome.schedule}: its fault was not met"
    assert outcome.passes <= PASSES_ALLOWED, f"{outcome.schedule}: {outcome.passes} passes"


@pytest.mark.parametrize("flow", FLOWS.values(), ids=lambda flow: flow.name)
async def test_flow_survives_every_crossing(world: World, flow: Flow) -> None:
    """A crash before and after each call, and one more fault there in turns, leave nothing wrong."""
    clean = await run(world, flow, Schedule(flow.name))
    judge(clean)
    assert clean.crossings
    for schedule in plans.bounded(flow.name, clean):
        judge(await run(world, flow, schedule))


@pytest.mark.parametrize("flow", FLOWS.values(), ids=lambda flow: flow.name)
async def test_flow_survives_its_zombie(world: World, flow: Flow) -> None:
    """A process that is stopped in a flow, and wakes up after another took over, does no harm."""
    clean = await run(world, flow, Schedule(flow.name))
    for duel in plans.spread(plans.duels(flow.name, len(clean.crossings)), _DUELS):
        judge(await run_duel(world, flow, duel))
